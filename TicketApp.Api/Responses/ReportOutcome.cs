using System.Runtime.InteropServices;
using TicketApp.Api.Tickets;
using TicketApp.Contracts;

namespace TicketApp.Api.Responses;

/// <summary>What applying a batch of reports did.</summary>
internal sealed class ReportOutcome
{
    private readonly Dictionary<string, int> _left = [];

    /// <summary>Tickets that ended, as they now are.</summary>
    public List<TicketSnapshot> Ended { get; } = [];

    /// <summary>How many tickets of each model left its window, ended or not.</summary>
    public IReadOnlyDictionary<string, int> Left => _left;

    /// <summary>The models to whose backlogs tickets went back, or will after a pause.</summary>
    public HashSet<string> Returned { get; } = [];

    /// <summary>How long the runs took that answered, in milliseconds.</summary>
    public List<(string Model, int Milliseconds)> Runs { get; } = [];

    /// <summary>Runs that workers have in hand and that are not wanted any more.</summary>
    public List<RunReference> Unwanted { get; } = [];

    /// <summary>How many results came too late to count.</summary>
    public int Late { get; set; }

    /// <summary>Whether a ticket ended in a way that "errors" must be told of.</summary>
    public bool HasErrors { get; private set; }

    /// <summary>A ticket moved.</summary>
    public void Add(TicketSnapshot ticket, string model, int runMilliseconds)
    {
        CollectionsMarshal.GetValueRefOrAddDefault(_left, model, out _)++;
        switch (ticket.Status)
        {
            case TicketStatus.Queued or TicketStatus.Waiting:
                Returned.Add(model);
                return;
            case TicketStatus.Succeeded:
                Runs.Add((model, runMilliseconds));
                break;
            case TicketStatus.Failed or TicketStatus.TimedOut:
                HasErrors = true;
                break;
        }

        Ended.Add(ticket);
    }
}

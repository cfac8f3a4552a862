using System.Runtime.InteropServices;
using TicketApp.Api.Telemetry;
using TicketApp.Api.Tickets;
using TicketApp.Messaging;

namespace TicketApp.Api.Responses;

/// <summary>What applying a batch of reports did.</summary>
internal sealed class ReportOutcome
{
    private readonly Dictionary<string, int> _left = [];
    private readonly Dictionary<string, int> _returned = [];

    /// <summary>Tickets that ended, as they now are.</summary>
    public List<TicketSummary> Ended { get; } = [];

    /// <summary>How many tickets of each model left its window, ended or not.</summary>
    public IReadOnlyDictionary<string, int> Left => _left;

    /// <summary>How many tickets of each model were returned to its backlog, or will be after a pause.</summary>
    public IReadOnlyDictionary<string, int> Returned => _returned;

    /// <summary>The same tickets as <see cref="Ended"/>, as they are measured.</summary>
    public List<EndedTicket> Ends { get; } = [];

    /// <summary>Runs that workers have in hand and that are not wanted any more.</summary>
    public List<RunReference> Canceled { get; } = [];

    /// <summary>How many results came too late to count.</summary>
    public int Late { get; set; }

    /// <summary>Whether a ticket ended in a way that "errors" must be told of.</summary>
    public bool HasErrors { get; private set; }

    /// <summary>A ticket moved.</summary>
    public void Add(TicketSummary ticket, string model, int runMilliseconds)
    {
        CollectionsMarshal.GetValueRefOrAddDefault(_left, model, out _)++;
        switch (ticket.Status)
        {
            case TicketStatus.Queued or TicketStatus.Retryable:
                CollectionsMarshal.GetValueRefOrAddDefault(_returned, model, out _)++;
                return;
            case TicketStatus.Failed or TicketStatus.TimedOut:
                HasErrors = true;
                break;
        }

        Ended.Add(ticket);
        Ends.Add(new(model, ticket.Status, ticket.Age, TimeSpan.FromMilliseconds(runMilliseconds)));
    }
}

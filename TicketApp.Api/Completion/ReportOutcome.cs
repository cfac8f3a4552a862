using System.Runtime.InteropServices;
using TicketApp.Api.Storage;
using TicketApp.Messaging;

namespace TicketApp.Api.Completion;

/// <summary>What applying a batch of reports did.</summary>
internal sealed class ReportOutcome
{
    private readonly Dictionary<string, int> _left = [];
    private readonly Dictionary<string, int> _returned = [];

    /// <summary>Tickets that ended.</summary>
    public List<EndedTicket> Ended { get; } = [];

    /// <summary>How many tickets of each model left its window, ended or not.</summary>
    public IReadOnlyDictionary<string, int> Left => _left;

    /// <summary>How many tickets of each model were returned to its backlog, or will be after a pause.</summary>
    public IReadOnlyDictionary<string, int> Returned => _returned;

    /// <summary>Runs that workers have in progress and that are not wanted any more.</summary>
    public List<RunReference> Canceled { get; } = [];

    /// <summary>How many results came too late to count.</summary>
    public int Late { get; set; }

    /// <summary>Whether a ticket ended in a way that "errors" must be told about.</summary>
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

        Ended.Add(new(ticket, model, TimeSpan.FromMilliseconds(runMilliseconds)));
    }
}

/// <summary>A ticket that a worker's report ended.</summary>
/// <param name="Ticket">As it is now; its age is the time from its creation to its end.</param>
/// <param name="Model">Its model.</param>
/// <param name="Run">How long its last run took.</param>
internal readonly record struct EndedTicket(TicketSummary Ticket, string Model, TimeSpan Run);

using System.Runtime.InteropServices;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.Messaging;

namespace TicketApp.Api.Completion;

/// <summary>What applying a batch of reports did.</summary>
internal sealed class ReportOutcome
{
    private readonly Dictionary<string, int> _left = [];
    private readonly Dictionary<string, int> _returned = [];

    /// <summary>Tickets that ended.</summary>
    public List<EndedTicket> Ended { get; } = [];

    /// <summary>Tickets that may have changed and have not ended: started, got further, or were returned.</summary>
    public List<Guid> Changed { get; } = [];

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
                Changed.Add(ticket.TicketId);
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

/// <summary>What applied reports mean for the rest of this replica, once they are committed.</summary>
internal sealed class ReportEffects(
    Dispatcher dispatcher,
    ErrorOutbox errors,
    OpenTickets open,
    RunTimes runTimes,
    CancellationPublisher stops,
    TicketObservers observers,
    TicketMetrics metrics)
{
    /// <summary>Tells all whom it concerns.</summary>
    public void Follow(ReportOutcome outcome)
    {
        // A ticket may have started and ended in the same batch: its end comes last.
        observers.Changed(outcome.Changed);
        observers.Ended(outcome.Ended);
        if (outcome.HasErrors)
        {
            errors.Wake();
        }

        if (outcome.Late > 0)
        {
            metrics.Late(outcome.Late);
        }

        open.Add(-outcome.Ended.Count);
        stops.Stop(outcome.Canceled, repeatFor: TimeSpan.Zero);
        foreach (var (ticket, model, run) in outcome.Ended)
        {
            metrics.Ended(model, TicketStatusNames.Of(ticket.Status), ticket.Age, run);
            if (ticket.Status == TicketStatus.Succeeded)
            {
                runTimes.Of(model).Add((int)run.TotalMilliseconds);
            }
        }

        foreach (var (model, count) in outcome.Returned)
        {
            metrics.Retried(model, count);
            dispatcher.BacklogGrew(model);
        }

        foreach (var (model, count) in outcome.Left)
        {
            dispatcher.SlotsFreed(model, count);
        }
    }
}

/// <summary>
/// Learns what this replica does to tickets once that is committed: caches, waits, and what tells other replicas.
/// </summary>
internal interface ITicketObserver
{
    /// <summary>Tickets ended. If an observer does not say otherwise, that is a change like any other.</summary>
    void OnEnded(IReadOnlyList<EndedTicket> tickets)
    {
        foreach (var (ticket, _, _) in tickets)
        {
            OnChanged(ticket.TicketId);
        }
    }

    /// <summary>A ticket changed: it started, got further, was returned, canceled, retried or removed, or it ran out of time.</summary>
    void OnChanged(Guid ticketId)
    {
    }
}

/// <summary>All observers of this replica. What commits an end or a change of tickets says so here.</summary>
internal sealed class TicketObservers(IEnumerable<ITicketObserver> observers)
{
    private readonly ITicketObserver[] _observers = [.. observers];

    /// <summary>Tickets ended, by what is committed.</summary>
    public void Ended(IReadOnlyList<EndedTicket> tickets) => Array.ForEach(_observers, observer => observer.OnEnded(tickets));

    /// <summary>A ticket changed in any other way, by what is committed.</summary>
    public void Changed(Guid ticketId) => Array.ForEach(_observers, observer => observer.OnChanged(ticketId));

    /// <summary>The same of many.</summary>
    public void Changed(IEnumerable<Guid> ticketIds)
    {
        foreach (var ticketId in ticketIds)
        {
            Changed(ticketId);
        }
    }
}

namespace TicketApp.Api.Completion;

/// <summary>
/// Learns what this replica does to tickets once that is committed: caches and waits. What other replicas do shows in the database only.
/// </summary>
internal interface ITicketObserver
{
    /// <summary>Tickets ended.</summary>
    void OnEnded(IReadOnlyList<EndedTicket> tickets);

    /// <summary>A ticket was canceled, or runs again.</summary>
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

    /// <summary>A ticket was canceled, or runs again, by what is committed.</summary>
    public void Changed(Guid ticketId) => Array.ForEach(_observers, observer => observer.OnChanged(ticketId));
}

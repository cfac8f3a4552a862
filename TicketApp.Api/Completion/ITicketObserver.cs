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

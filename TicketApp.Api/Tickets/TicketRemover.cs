using TicketApp.Api.Completion;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

/// <summary>Removes tickets that callers want gone.</summary>
internal sealed class TicketRemover(PurgeStore store, TicketObservers observers)
{
    /// <summary>Removes a ticket, if it has ended, and tells those who follow it, here and at other replicas.</summary>
    public async Task<Deletion> DeleteAsync(Guid ticketId, CancellationToken cancellationToken)
    {
        var deletion = await store.DeleteAsync(ticketId, cancellationToken);
        // Also of one that is gone already: a first try may have removed it, and have told nobody any more.
        if (deletion != Deletion.NotFinished)
        {
            observers.Changed(ticketId);
        }

        return deletion;
    }
}

using TicketApp.Api.Dispatch;
using TicketApp.Api.Models;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Backlog;

/// <summary>Says where queued tickets stand, and why they wait.</summary>
internal sealed class QueuePlaces(BacklogView view, ModelCatalog models, TicketPublisher publisher)
{
    /// <summary>Where the ticket stands; null for one that does not wait.</summary>
    public async ValueTask<QueuePlace?> FindAsync(TicketRow row, CancellationToken cancellationToken)
    {
        if (row.Status == TicketStatus.Waiting)
        {
            return new() { Position = null, WaitReason = "retry_backoff" };
        }

        if (row.Status is not (TicketStatus.Queued or TicketStatus.Released))
        {
            return null;
        }

        var backlog = await view.GetAsync(cancellationToken);
        var slots = models.TryGet(row.Model, out var model) ? model.Slots : 0;
        var rank = backlog.RankOf(row.TicketId, row.Model, row.Status == TicketStatus.Queued ? row.QueueKey : null);
        return new() { Position = rank?.Position, WaitReason = ReasonOf(row, backlog, slots) };
    }

    private string? ReasonOf(TicketRow row, BacklogSnapshot backlog, long slots) => row.Status switch
    {
        TicketStatus.Queued when !publisher.IsReady => "broker_down",
        _ when slots == 0 => "no_workers",
        TicketStatus.Queued => "at_capacity",
        _ when backlog.InFlight(row.Model) > slots => "at_capacity",
        _ => null,
    };
}

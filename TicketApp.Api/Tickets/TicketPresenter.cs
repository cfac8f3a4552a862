using Microsoft.Extensions.Options;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

/// <summary>Shows tickets the way of the resource API, those that wait with their place.</summary>
internal sealed class TicketPresenter(QueuePositions places, IOptions<RetentionOptions> retention)
{
    public async ValueTask<TicketResource> ShowAsync(TicketRecord row, CancellationToken cancellationToken) =>
        TicketResource.Of(row, retention.Value) with { Queue = await places.FindAsync(row, cancellationToken) };

    public async ValueTask<IReadOnlyList<TicketResource>> ShowAsync(IReadOnlyList<TicketRecord> rows, CancellationToken cancellationToken)
    {
        List<TicketResource> tickets = new(rows.Count);
        foreach (var row in rows)
        {
            tickets.Add(await ShowAsync(row, cancellationToken));
        }

        return tickets;
    }
}

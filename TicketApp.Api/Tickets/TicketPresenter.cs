using Microsoft.Extensions.Options;
using TicketApp.Api.Backlog;
using TicketApp.Api.Retention;

namespace TicketApp.Api.Tickets;

/// <summary>Shows tickets the way of the resource API, those that wait with their place.</summary>
internal sealed class TicketPresenter(QueuePositions places, IOptions<RetentionOptions> retention)
{
    public async ValueTask<Ticket> ShowAsync(TicketRecord row, CancellationToken cancellationToken) =>
        Ticket.Of(row, retention.Value) with { Queue = await places.FindAsync(row, cancellationToken) };

    public async ValueTask<IReadOnlyList<Ticket>> ShowAsync(IReadOnlyList<TicketRecord> rows, CancellationToken cancellationToken)
    {
        List<Ticket> tickets = new(rows.Count);
        foreach (var row in rows)
        {
            tickets.Add(await ShowAsync(row, cancellationToken));
        }

        return tickets;
    }
}

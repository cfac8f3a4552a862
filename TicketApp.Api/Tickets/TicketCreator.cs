using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Database;
using TicketApp.Api.Dispatch;
using TicketApp.Contracts.Tracing;

namespace TicketApp.Api.Tickets;

/// <summary>
/// Stores new tickets, many a statement. With room in the dispatch window they are released by the statement that stores
/// them, and published once it has committed; without, they join the backlog.
/// </summary>
internal sealed class TicketCreator(
    NpgsqlDataSource database, TicketStore store, DispatchWindow window, TicketPublisher publisher, Dispatcher dispatcher, OpenTickets open, IOptions<TicketOptions> options)
    : Batcher<NewTicket, StoredTicket?>(database, largestBatch: 500, capacity: 20_000)
{
    /// <summary>Stores a ticket.</summary>
    /// <returns>Its id; null if there is no such user.</returns>
    /// <exception cref="OverloadedException">As many tickets are open as may be.</exception>
    public async Task<Guid?> CreateAsync(Guid userId)
    {
        NewTicket ticket = new(Guid.CreateVersion7(), userId);
        return await CreateAsync(ticket) is null ? null : ticket.TicketId;
    }

    /// <summary>Stores a ticket.</summary>
    /// <returns>What became of it; null if there is no such user.</returns>
    /// <exception cref="OverloadedException">As many tickets are open as may be.</exception>
    public Task<StoredTicket?> CreateAsync(NewTicket ticket)
    {
        TicketTrace.TagTicket(ticket.TicketId);
        return open.Estimate < options.Value.MaxOpen ? SubmitAsync(ticket with { TraceParent = TicketTrace.Current }) : throw new OverloadedException("Too many tickets are open.");
    }

    protected override string Work => "store tickets";

    protected override async Task<IReadOnlyList<StoredTicket?>> ServeAsync(IReadOnlyList<NewTicket> items)
    {
        var granted = publisher.IsReady ? window.TakeForNew(items.Count) : 0;
        Creation creation;
        try
        {
            creation = await store.CreateAsync(items, granted);
        }
        catch
        {
            window.GiveBack(granted);
            throw;
        }

        window.Released(creation.Released.Count);
        window.GiveBack(granted - creation.Released.Count);
        publisher.Publish(creation.Released);
        open.Add(creation.Stored.Count);
        if (creation.Stored.Count > creation.Released.Count)
        {
            dispatcher.BacklogGrew();
        }

        return [.. items.Select(item => creation.Stored.TryGetValue(item.TicketId, out var ticket) ? ticket : (StoredTicket?)null)];
    }
}

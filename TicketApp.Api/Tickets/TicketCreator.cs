using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.Messaging.Tracing;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Tickets;

/// <summary>
/// Stores new tickets, many a statement. With capacity in the dispatch window they are dispatched by the statement that stores
/// them, and published once it has committed; without, they join the backlog.
/// </summary>
internal sealed class TicketCreator(
    NpgsqlDataSource database,
    TicketMetrics metrics,
    LoopProgress progress,
    ILogger<TicketCreator> logger,
    TicketStore store,
    DispatchWindows windows,
    TicketPublisher publisher,
    Dispatcher dispatcher,
    OpenTickets open,
    OpenTicketLimit limit,
    ConcurrencyLimit running,
    IOptions<TicketOptions> options)
    : Batcher<NewTicket, StoredTicket?>("store tickets", database, metrics, progress, logger, maxBatch: 500, capacity: 20_000)
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
    /// <exception cref="UserLimitException">The user has as many open tickets as one may have.</exception>
    public Task<StoredTicket?> CreateAsync(NewTicket ticket)
    {
        TicketTrace.TagTicket(ticket.TicketId);
        if (open.Estimate >= options.Value.MaxOpen)
        {
            throw new OverloadedException("Too many tickets are open.");
        }

        var submission = SubmitAsync(ticket with { TraceParent = TicketTrace.Current?.Id });
        return limit.IsOn ? AcceptedAsync(submission) : submission;
    }

    protected override bool Lingers => true;

    protected override async Task<IReadOnlyList<StoredTicket?>> ExecuteBatchAsync(IReadOnlyList<NewTicket> items)
    {
        await using var connection = await Database.OpenConnectionAsync();
        await using var transaction = limit.IsOn ? await connection.BeginTransactionAsync() : null;
        var allowance = limit.IsOn ? await limit.LockAsync(connection, items.Select(item => item.UserId)) : null;
        // What was stored under its key before needs no allowance of its user and no slot in a window.
        var keys = await IdempotencyStore.UsedAsync(connection, [.. items.Where(item => item.Key is not null).Select(KeyOf)]);
        List<NewTicket> admitted = new(items.Count);
        HashSet<Guid> refused = [];
        foreach (var item in items)
        {
            if (item.Key is not null && keys.Contains(KeyOf(item)))
            {
                continue;
            }

            if (allowance?.TryTake(item.UserId) == false)
            {
                refused.Add(item.TicketId);
                continue;
            }

            admitted.Add(item);
            if (item.Key is not null)
            {
                keys.Add(KeyOf(item));
            }
        }

        var stored = admitted.Count == 0 ? null : await StoreAsync(connection, transaction, admitted);
        return [.. items.Select(item =>
            refused.Contains(item.TicketId) ? new StoredTicket { IsRefused = true }
            : stored?.TryGetValue(item.TicketId, out var ticket) == true ? ticket
            : (StoredTicket?)null)];
    }

    private static (Guid UserId, string Key) KeyOf(NewTicket ticket) => (ticket.UserId, ticket.Key!.Key);

    private static async Task<StoredTicket?> AcceptedAsync(Task<StoredTicket?> submission)
    {
        var stored = await submission;
        return stored is { IsRefused: true } ? throw new UserLimitException() : stored;
    }

    private async Task<IReadOnlyDictionary<Guid, StoredTicket>> StoreAsync(
        NpgsqlConnection connection, NpgsqlTransaction? transaction, IReadOnlyList<NewTicket> items)
    {
        // Only the dispatcher counts what runs of each user.
        var mayDispatch = publisher.IsReady && !running.IsOn;
        Share[] shares = [.. items.GroupBy(ModelOf).Select(group => new Share(windows.Of(group.Key), [.. group], mayDispatch))];
        Creation creation;
        try
        {
            NewTicket[] inOrder =
            [
                .. shares.SelectMany(share => share.Tickets.Take(share.Granted)),
                .. shares.SelectMany(share => share.Tickets.Skip(share.Granted)),
            ];
            creation = await store.CreateAsync(connection, inOrder, shares.Sum(share => share.Granted));
            if (transaction is not null)
            {
                await transaction.CommitAsync();
            }
        }
        catch
        {
            foreach (var share in shares)
            {
                share.Window.Release(share.Granted);
            }

            throw;
        }

        var dispatched = creation.Dispatched.CountBy(ticket => ticket.Model).ToDictionary();
        foreach (var share in shares)
        {
            var used = dispatched.GetValueOrDefault(ModelOf(share.Tickets[0]));
            Metrics.Created(ModelOf(share.Tickets[0]), share.Tickets.Count(ticket => creation.Stored.ContainsKey(ticket.TicketId)));
            share.Window.Committed(used);
            share.Window.Release(share.Granted - used);
            if (share.Tickets.Length > share.Granted)
            {
                dispatcher.BacklogGrew(ModelOf(share.Tickets[0]));
            }
        }

        publisher.Publish(creation.Dispatched);
        open.Add(creation.Stored.Count);
        return creation.Stored;
    }

    private string ModelOf(NewTicket ticket) => ticket.Model ?? options.Value.DefaultModel;

    /// <summary>One model's part of a batch.</summary>
    private sealed class Share(DispatchWindow window, NewTicket[] tickets, bool mayDispatch)
    {
        public DispatchWindow Window { get; } = window;

        public NewTicket[] Tickets { get; } = tickets;

        /// <summary>How many of its tickets have a slot in the window.</summary>
        public int Granted { get; } = mayDispatch ? window.TryAcquire(tickets.Length) : 0;
    }
}

using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Operations;

/// <summary>
/// Removes what belongs to users who are to be erased, a part of one user's each round. Runs are told to stop; what they still report meets
/// no ticket. Every replica does, each at another user.
/// </summary>
internal sealed class Eraser(
    ErasureStore store,
    OpenTickets open,
    Dispatcher dispatcher,
    CancellationPublisher notifier,
    TicketObservers observers,
    IOptions<DispatchOptions> dispatch,
    DatabaseMigrator migrator,
    LoopProgress progress,
    ILogger<Eraser> logger)
    : PurgeLoop("erasure of users", TimeSpan.FromSeconds(1), migrator, progress, logger)
{
    protected override async Task<bool> PurgeAsync(int part, CancellationToken stoppingToken)
    {
        if (await store.RemoveAsync(part, stoppingToken) is not { } removed)
        {
            return false;
        }

        open.Add(-removed.Count(ticket => ticket.IsOpen));
        var leased = removed.Where(ticket => ticket.IsLeased).ToArray();
        notifier.Stop(Array.ConvertAll(leased, ticket => ticket.Run), dispatch.Value.LeaseDuration);
        foreach (var (model, count) in leased.CountBy(ticket => ticket.Model))
        {
            dispatcher.SlotsFreed(model, count);
        }

        foreach (var ticket in removed)
        {
            observers.Changed(ticket.Run.TicketId);
        }

        return true;
    }
}

/// <summary>
/// Removes what the queue "errors" has of erased users, as the last step: no message can come after that. One replica at a time, and no
/// other sends to the queue in between.
/// </summary>
internal sealed partial class ErasureCompletion(
    NpgsqlDataSource database, QueueEraser queue, DatabaseMigrator migrator, LoopProgress progress, ILogger<ErasureCompletion> logger)
    : DatabaseLoop("completion of erasures", migrator, progress, logger)
{
    private const int MaxUsers = 100;

    protected override TimeSpan PollInterval => TimeSpan.FromSeconds(1);

    protected override async Task WorkAsync(CancellationToken stoppingToken)
    {
        await using var connection = await database.OpenConnectionAsync(stoppingToken);
        await using var transaction = await connection.BeginTransactionAsync(stoppingToken);
        // Neither a row is locked nor a snapshot kept while the broker answers, which can take minutes.
        var users = await ErasureStore.ReadyAsync(connection, MaxUsers, stoppingToken);
        if (users.Count == 0 || !await ErrorOutbox.TryTakeTurnAsync(connection, stoppingToken))
        {
            return;
        }

        var removed = await queue.RemoveAsync(QueueNames.Errors, users, Completed, stoppingToken);
        var completed = await ErasureStore.CompleteAsync(connection, users, stoppingToken);
        await transaction.CommitAsync(stoppingToken);
        if (removed > 0)
        {
            Log.Removed(Logger, removed);
        }

        foreach (var erasure in completed)
        {
            Log.Completed(Logger, erasure.UserId, erasure.TicketsRemoved, erasure.RequestedAt);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information,
            Message = "User {UserId} is erased, with {Tickets} tickets, as requested at {Requested:O}")]
        public static partial void Completed(ILogger logger, Guid userId, long tickets, DateTime requested);

        [LoggerMessage(EventId = 2, Level = LogLevel.Information, Message = "{Count} messages of erased users were removed from errors")]
        public static partial void Removed(ILogger logger, int count);
    }
}

using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Auth;
using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Tickets;

/// <summary>
/// Lets tickets that ended without a response run again, as their callers ask, many a statement: at the end of their users' backlogs, under
/// the next epoch, with new limits. However many ask, they take one connection.
/// </summary>
internal sealed class TicketRetrier(
    NpgsqlDataSource database,
    TicketMetrics metrics,
    LoopProgress progress,
    ILogger<TicketRetrier> logger,
    Dispatcher dispatcher,
    OpenTickets open,
    OpenTicketLimit limit,
    TicketObservers observers,
    IOptions<TicketOptions> options)
    : Batcher<TicketRetry, RetriedTicket>("retry tickets", database, metrics, progress, logger, maxBatch: 200, capacity: 10_000)
{
    // The earlier end stays on record. That no message to "errors" is due any more is right: the ticket has not failed for good.
    private const string Sql =
        $"""
        with i as (
            select o.*, {TicketInserts.Positions} from (
                select t.*, w.place, w.key
                from unnest($1, $5) with ordinality w (ticket_id, key, place) join tickets t on t.ticket_id = w.ticket_id
                join users u on u.user_id = t.user_id and u.time_erased is null
                where t.status in ('failed', 'timed_out', 'expired', 'canceled') and t.attempt < {MaxAttempts}
                    and not exists (select from ticket_attempts a where a.ticket_id = t.ticket_id and a.retry_key = w.key)
                order by t.ticket_id for update of t) o),
        recorded as (
            insert into ticket_attempts (
                ticket_id, epoch, outcome, attempt, worker, time_started, time_ended, error_type, error_message, retry_key)
            select ticket_id, epoch, status::text, attempt, worker, time_started, time_finished, error_type, error_message, key from i
            on conflict on constraint ticket_attempts_pk do update set retry_key = excluded.retry_key),
        placed as (select i.ticket_id, {TicketInserts.QueueKey} as queue_key from i {TicketInserts.HeadAndFlow})
        update tickets t set
            status = 'queued', epoch = t.epoch + 1, queue_key = placed.queue_key, max_attempts = t.attempt + $2,
            expires_at = now() + coalesce(t.deadline_s * interval '1 s', $3),
            due_at = now() + least(coalesce(t.queue_ttl_s * interval '1 s', $4), coalesce(t.deadline_s * interval '1 s', $3)),
            time_finished = null, finished_xid = null, report_pending = false,
            response = null, response_json = false, response_details = null, error_type = null, error_message = null,
            time_started = null, worker = null
        from placed where t.ticket_id = placed.ticket_id
        returning {TicketRecord.Columns}
        """;

    private const string UsedSql = "select exists (select from ticket_attempts where ticket_id = $1 and retry_key = $2)";

    private const string MaxAttempts = "1000";

    /// <summary>Returns the ticket to the backlog, if its user may open one more.</summary>
    /// <param name="ticket">The ticket.</param>
    /// <param name="key">The caller's idempotency key: under the same one it runs again once. Null without a key.</param>
    /// <returns>The ticket as it is now; null if it is in no state to run again, or has done so under that key.</returns>
    /// <exception cref="OverloadedException">As many tickets are open as may be.</exception>
    /// <exception cref="UserLimitException">The user has as many open tickets as one may have.</exception>
    public async Task<TicketRecord?> RetryAsync(TicketRecord ticket, IdempotencyKey? key)
    {
        if (ticket.Status is not (TicketStatus.Failed or TicketStatus.TimedOut or TicketStatus.Expired or TicketStatus.Canceled))
        {
            return null;
        }

        var retried = await RetryAsync(new TicketRetry(ticket.TicketId, ticket.UserId, key?.KeyHash));
        return retried.IsRefused ? throw new UserLimitException() : retried.Row;
    }

    /// <summary>The same for an administrator, whom no user's limit holds up.</summary>
    /// <returns>Whether it runs again.</returns>
    /// <exception cref="OverloadedException">As many tickets are open as may be.</exception>
    public async Task<bool> RetryAsync(Guid ticketId) => (await RetryAsync(new TicketRetry(ticketId, UserId: null))).Row is not null;

    /// <summary>Whether the ticket has run again under that key.</summary>
    public async Task<bool> HasRetriedAsync(Guid ticketId, IdempotencyKey key, CancellationToken cancellationToken)
    {
        await using var command = Database.CreateCommand(UsedSql, Value(ticketId), Value(key.KeyHash));
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    protected override async Task<IReadOnlyList<RetriedTicket>> ExecuteBatchAsync(IReadOnlyList<TicketRetry> items)
    {
        await using var connection = await Database.OpenConnectionAsync();
        await using var transaction = limit.IsOn ? await connection.BeginTransactionAsync() : null;
        var allowance = limit.IsOn ? await limit.LockAsync(connection, items.Select(item => item.UserId).OfType<Guid>()) : null;
        List<TicketRetry> admitted = new(items.Count);
        HashSet<Guid> refused = [];
        foreach (var item in items.DistinctBy(item => item.TicketId))
        {
            if (item.UserId is { } userId && allowance?.TryTake(userId) == false)
            {
                refused.Add(item.TicketId);
            }
            else
            {
                admitted.Add(item);
            }
        }

        var retried = admitted.Count == 0 ? [] : await RetryAsync(connection, [.. admitted]);
        if (transaction is not null)
        {
            await transaction.CommitAsync();
        }

        open.Add(retried.Count);
        foreach (var row in retried.Values)
        {
            dispatcher.BacklogGrew(row.Model);
            observers.Changed(row.TicketId);
        }

        // Who asks for the same ticket a second time comes too late.
        return
        [
            .. items.Select(item =>
                new RetriedTicket(retried.Remove(item.TicketId, out var row) ? row : null, refused.Contains(item.TicketId))),
        ];
    }

    private Task<RetriedTicket> RetryAsync(TicketRetry retry) =>
        open.Estimate >= options.Value.MaxOpen ? throw new OverloadedException("Too many tickets are open.") : SubmitAsync(retry);

    private async Task<Dictionary<Guid, TicketRecord>> RetryAsync(NpgsqlConnection connection, TicketRetry[] tickets)
    {
        Dictionary<Guid, TicketRecord> retried = new(tickets.Length);
        await using var command = connection.CreateCommand(
            Sql, Column(tickets, ticket => ticket.TicketId), Value((short)options.Value.MaxAttempts), Value(options.Value.Deadline),
            Value(options.Value.QueueTtl), Column(tickets, ticket => ticket.KeyHash));
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var row = TicketRecord.Read(reader);
            retried[row.TicketId] = row;
        }

        return retried;
    }
}

/// <summary>A ticket that is to run again.</summary>
/// <param name="TicketId">The ticket.</param>
/// <param name="UserId">Whose limit counts; null: nobody's.</param>
/// <param name="KeyHash">SHA-256 of the caller's idempotency key; null without a key.</param>
internal sealed record TicketRetry(Guid TicketId, Guid? UserId, byte[]? KeyHash = null);

/// <summary>What became of it.</summary>
/// <param name="Row">The ticket as it is now; null if it does not run again.</param>
/// <param name="IsRefused">Whether that is because its user has as many open tickets as one may have.</param>
internal readonly record struct RetriedTicket(TicketRecord? Row, bool IsRefused);

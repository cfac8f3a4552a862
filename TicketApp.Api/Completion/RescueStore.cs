using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Dispatch;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Completion;

/// <summary>What a rescue moved of one model.</summary>
/// <param name="Model">The model.</param>
/// <param name="Ended">Tickets that ended.</param>
/// <param name="Requeued">Tickets that joined the backlog.</param>
/// <param name="Freed">How many of both had a place in the window.</param>
/// <param name="TraceParents">The traces of those that are traced.</param>
/// <param name="Tickets">All of them.</param>
internal readonly record struct RescueOutcome(
    string Model, int Ended, int Requeued, int Freed, IReadOnlyList<string> TraceParents, IReadOnlyList<Guid> Tickets);

/// <summary>
/// The statements that end what ran out of time, a bounded batch at a time. Replicas that rescue together skip each other's rows.
/// </summary>
internal sealed class RescueStore(NpgsqlDataSource database, IOptions<TicketOptions> tickets)
{
    /// <summary>The most that one call moves.</summary>
    public const int MaxBatch = 500;

    private static readonly TimeSpan _twoHeartbeats = TimeSpan.FromSeconds(20);

    // due_at is when a ticket must be looked at, whatever it is for: over the deadline it ends; never started within the
    // queue TTL it ends; running over the execution timeout (its worker should have said so) this attempt has failed; and else its
    // pause after a failure is over. "attempt" counts the current dispatch, so a ticket in its first one has not run.
    private static readonly string _dueSql =
        $"""
        with due as (
            select ticket_id, status as was, case
                when status = 'canceling' then null
                when expires_at <= now() then 'processing_timeout'
                when status in ('queued', 'dispatched') then 'queue_timeout'
                when status = 'running' then 'execution_timeout' end as reason
            from tickets where time_finished is null and due_at <= now() and ticket_id <> all ($2)
            order by due_at, ticket_id limit $1 for update skip locked),
        judged as (
            select d.ticket_id, d.was, d.reason, t.worker, t.time_started,
                d.was = 'canceling'
                    or (d.reason is not null and not (d.reason = 'execution_timeout' and t.attempt < t.max_attempts)) as ends
            from due d join tickets t on t.ticket_id = d.ticket_id),
        moved as (
            update tickets t set
                status = case
                    when was = 'canceling' then 'canceled'
                    when not ends and reason is null then 'queued'
                    when not ends then 'retryable'
                    when reason = 'execution_timeout' then 'failed'
                    when t.attempt = case was when 'dispatched' then 1 else 0 end and was <> 'running' then 'expired'
                    else 'timed_out' end::ticket_status,
                due_at = case
                    when reason = 'execution_timeout'
                        then least(t.expires_at, now() + {RetryPause.Sql(first: "$3", longest: "$4")})
                    else t.expires_at end,
                queue_key = coalesce(t.queue_key, 0),
                lease_expires = null,
                time_finished = case when ends then now() end,
                report_pending = ends and was <> 'canceling',
                error_type = coalesce(reason, t.error_type),
                error_message = case reason
                    when 'processing_timeout' then 'Ticket processing request timeout'
                    when 'queue_timeout' then 'Ticket waited too long to be started'
                    when 'execution_timeout' then 'The run took too long'
                    else t.error_message end
            from judged where t.ticket_id = judged.ticket_id
            returning t.ticket_id, t.model, t.epoch, t.attempt,
                judged.was, judged.reason, judged.worker, judged.time_started, judged.ends, t.trace_parent),
        recorded as (
            insert into ticket_attempts (ticket_id, epoch, outcome, attempt, worker, time_started, error_type, error_message)
            select ticket_id, epoch, 'failed', attempt, worker, time_started, reason, 'The run took too long'
            from moved where reason = 'execution_timeout'
            on conflict on constraint ticket_attempts_pk do nothing)
        select model, count(*) filter (where ends)::int, count(*) filter (where not ends)::int,
            count(*) filter (where was in ('dispatched', 'running', 'canceling'))::int,
            array_agg(trace_parent) filter (where trace_parent is not null), array_agg(ticket_id)
        from moved group by model
        """;

    // A ticket that never ran is returned uncharged: its message was lost, or nobody was there to take it. One that ran lost its
    // worker: that attempt counts, so that a ticket which kills its workers ends. One that was being canceled is.
    private const string ExpiredSql =
        """
        with expired as (
            select ticket_id, status as was, worker, time_started,
                status = 'canceling' as canceled, status = 'running' and attempt >= max_attempts as failed
            from tickets where status in ('dispatched', 'running', 'canceling') and lease_expires <= now() and ticket_id <> all ($2)
            order by lease_expires, ticket_id limit $1 for update skip locked),
        moved as (
            update tickets t set
                lease_expires = null,
                queue_key = coalesce(t.queue_key, 0),
                attempt = case expired.was when 'dispatched' then t.attempt - 1 else t.attempt end,
                status = case when canceled then 'canceled' when failed then 'failed' else 'queued' end::ticket_status,
                time_finished = case when canceled or failed then now() end,
                report_pending = failed,
                time_started = case when canceled or failed then t.time_started end,
                due_at = case expired.was when 'running' then t.expires_at else t.due_at end,
                worker = case when canceled or failed then t.worker end,
                error_type = case expired.was when 'running' then 'worker_lost' else t.error_type end,
                error_message = case expired.was when 'running' then 'The worker was lost' else t.error_message end
            from expired where t.ticket_id = expired.ticket_id
            returning t.ticket_id, t.model, t.epoch, t.attempt,
                expired.was, expired.worker, expired.time_started, t.time_finished is not null as ended, t.trace_parent),
        recorded as (
            insert into ticket_attempts (ticket_id, epoch, outcome, attempt, worker, time_started, error_type, error_message)
            select ticket_id, epoch, 'worker_lost', attempt, worker, time_started, 'worker_lost', 'The worker was lost'
            from moved where was = 'running'
            on conflict on constraint ticket_attempts_pk do nothing)
        select model, count(*) filter (where ended)::int, count(*) filter (where not ended)::int, count(*)::int,
            array_agg(trace_parent) filter (where trace_parent is not null), array_agg(ticket_id)
        from moved group by model
        """;

    private const string FirstDueSql =
        """
        select ticket_id from tickets where time_finished is null and due_at <= now() and ticket_id <> all ($1)
        order by due_at, ticket_id limit 1 for update skip locked
        """;

    private const string FirstExpiredSql =
        """
        select ticket_id from tickets where status in ('dispatched', 'running', 'canceling')
            and lease_expires <= now() and ticket_id <> all ($1)
        order by lease_expires, ticket_id limit 1 for update skip locked
        """;

    // A piece at a time, in one order; what is extended to this moment is not met again.
    private const string ExtendSql =
        """
        with piece as (
            select ticket_id from tickets where status in ('running', 'canceling') and lease_expires < $1
            order by ticket_id limit $2 for update skip locked)
        update tickets t set lease_expires = $1 from piece where t.ticket_id = piece.ticket_id
        """;

    /// <summary>Ends tickets and attempts over their limits, and queues tickets whose pause is over.</summary>
    /// <param name="limit">The most to move.</param>
    /// <param name="leftOut">Those not to move.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public Task<IReadOnlyList<RescueOutcome>> EndDueAsync(int limit, Guid[] leftOut, CancellationToken cancellationToken) => RescueAsync(
        _dueSql, [Value(limit), Value(leftOut), Value(tickets.Value.RetryPause), Value(tickets.Value.MaxRetryPause)], cancellationToken);

    /// <summary>Takes tickets away from workers whose leases ended.</summary>
    /// <inheritdoc cref="EndDueAsync"/>
    public Task<IReadOnlyList<RescueOutcome>> RescueExpiredAsync(int limit, Guid[] leftOut, CancellationToken cancellationToken) =>
        RescueAsync(ExpiredSql, [Value(limit), Value(leftOut)], cancellationToken);

    /// <summary>The ticket that <see cref="EndDueAsync"/> would move first.</summary>
    public Task<Guid?> FirstDueAsync(Guid[] leftOut, CancellationToken cancellationToken) =>
        FirstAsync(FirstDueSql, leftOut, cancellationToken);

    /// <summary>The ticket that <see cref="RescueExpiredAsync"/> would move first.</summary>
    public Task<Guid?> FirstExpiredAsync(Guid[] leftOut, CancellationToken cancellationToken) =>
        FirstAsync(FirstExpiredSql, leftOut, cancellationToken);

    /// <summary>Gives every running ticket the time for a heartbeat to arrive.</summary>
    public async Task ExtendLeasesAsync(CancellationToken cancellationToken)
    {
        await using var clock = database.CreateCommand("select now()");
        var until = (DateTime)(await clock.ExecuteScalarAsync(cancellationToken))! + _twoHeartbeats;
        while (await ExecuteAsync(ExtendSql, [Value(until), Value(MaxBatch)], cancellationToken) == MaxBatch)
        {
        }
    }

    private async Task<int> ExecuteAsync(string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql, parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<Guid?> FirstAsync(string sql, Guid[] leftOut, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql, Value(leftOut));
        return await command.ExecuteScalarAsync(cancellationToken) as Guid?;
    }

    private async Task<IReadOnlyList<RescueOutcome>> RescueAsync(
        string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql, parameters);
        List<RescueOutcome> outcomes = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            outcomes.Add(new(
                reader.GetString(0),
                reader.GetInt32(1),
                reader.GetInt32(2),
                reader.GetInt32(3),
                reader.IsDBNull(4) ? [] : reader.GetFieldValue<string[]>(4),
                reader.GetFieldValue<Guid[]>(5)));
        }

        return outcomes;
    }
}

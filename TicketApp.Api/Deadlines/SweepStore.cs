using Npgsql;

namespace TicketApp.Api.Deadlines;

/// <summary>What a sweep moved.</summary>
/// <param name="Ended">Tickets that ended.</param>
/// <param name="Requeued">Tickets that joined the backlog.</param>
/// <param name="Freed">How many of both had a place in the window.</param>
internal readonly record struct SweepOutcome(int Ended, int Requeued, int Freed);

/// <summary>The statements that end what ran out of time, a bounded batch at a time. Replicas that sweep together skip each other's rows.</summary>
internal sealed class SweepStore(NpgsqlDataSource database)
{
    /// <summary>The most that one call moves.</summary>
    public const int LargestBatch = 500;

    private static readonly TimeSpan HeartbeatAndAHalf = TimeSpan.FromSeconds(15);

    // Over the limit: ended, in whatever state. Otherwise its pause after a failure is over, and it queues for the next attempt.
    private const string DueSql =
        """
        with due as (
            select ticket_id, status as was from tickets where time_finished is null and due_at <= now()
            order by due_at limit $1 for update skip locked),
        moved as (
            update tickets t set
                due_at = t.expires_at,
                lease_expires = null,
                time_finished = case when t.expires_at <= now() then now() end,
                report_pending = t.expires_at <= now(),
                error_type = case when t.expires_at <= now() then 'processing_timeout' else t.error_type end,
                error_message = case when t.expires_at <= now() then 'Ticket processing request timeout' else t.error_message end,
                status = case
                    when t.expires_at > now() then 'queued'
                    when t.time_started is null then 'expired'
                    else 'timed_out' end::ticket_status
            from due where t.ticket_id = due.ticket_id
            returning due.was, t.time_finished is not null as ended)
        select count(*) filter (where ended)::int, count(*) filter (where not ended)::int, count(*) filter (where was in ('released', 'running'))::int from moved
        """;

    // A ticket that never ran goes back uncharged: its message was lost, or nobody was there to take it. One that ran lost its
    // worker: that attempt counts, so that a ticket which kills its workers ends.
    private const string LostSql =
        """
        with lost as (
            select ticket_id, status as was, worker, time_started from tickets where status in ('released', 'running') and lease_expires <= now()
            limit $1 for update skip locked),
        moved as (
            update tickets t set
                lease_expires = null,
                queue_key = coalesce(t.queue_key, 0),
                attempt = case lost.was when 'running' then t.attempt else t.attempt - 1 end,
                status = case when lost.was = 'running' and t.attempt >= t.max_attempts then 'failed' else 'queued' end::ticket_status,
                time_finished = case when lost.was = 'running' and t.attempt >= t.max_attempts then now() end,
                report_pending = lost.was = 'running' and t.attempt >= t.max_attempts,
                time_started = case when t.attempt >= t.max_attempts then t.time_started end,
                worker = case when t.attempt >= t.max_attempts then t.worker end,
                error_type = case lost.was when 'running' then 'worker_lost' else t.error_type end,
                error_message = case lost.was when 'running' then 'The worker was lost' else t.error_message end
            from lost where t.ticket_id = lost.ticket_id
            returning t.ticket_id, t.epoch, t.attempt, lost.was, lost.worker, lost.time_started, t.time_finished is not null as ended),
        recorded as (
            insert into ticket_attempts (ticket_id, epoch, outcome, attempt, worker, time_started, error_type, error_message)
            select ticket_id, epoch, 'worker_lost', attempt, worker, time_started, 'worker_lost', 'The worker was lost' from moved where was = 'running'
            on conflict on constraint ticket_attempts_pk do nothing)
        select count(*) filter (where ended)::int, count(*) filter (where not ended)::int, count(*)::int from moved
        """;

    private const string ExtendSql = "update tickets set lease_expires = greatest(lease_expires, now() + $1) where status = 'running'";

    private const string ForgetSql = "delete from workers where last_seen < now() - interval '1 hour'";

    /// <summary>Ends tickets over their limit and queues those whose pause is over.</summary>
    public Task<SweepOutcome> SweepDueAsync(CancellationToken cancellationToken) => SweepAsync(DueSql, cancellationToken);

    /// <summary>Takes tickets away from workers whose leases ended.</summary>
    public Task<SweepOutcome> SweepLostAsync(CancellationToken cancellationToken) => SweepAsync(LostSql, cancellationToken);

    /// <summary>Gives every running ticket the time for a heartbeat to arrive.</summary>
    public async Task ExtendLeasesAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(ExtendSql);
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = HeartbeatAndAHalf });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Forgets workers that were not heard of for an hour.</summary>
    public async Task ForgetWorkersAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(ForgetSql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<SweepOutcome> SweepAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = LargestBatch });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new(reader.GetInt32(0), reader.GetInt32(1), reader.GetInt32(2));
    }
}

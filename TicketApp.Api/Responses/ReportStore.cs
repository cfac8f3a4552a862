using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Tickets;
using TicketApp.Contracts;

namespace TicketApp.Api.Responses;

/// <summary>Applies workers' reports: any number in one round trip and one transaction.</summary>
/// <remarks>
/// Every statement finds its tickets by id, epoch and lease. A report under an older epoch, or of a ticket that has ended,
/// meets no row; that is the whole protection against late and repeated results. "lease_expires is not null" says the same as
/// the status would, but matches no partial index, so that the planner never reads one whole to look up a few ids.
/// </remarks>
internal sealed class ReportStore(NpgsqlDataSource database, IOptions<DispatchOptions> dispatch, IOptions<TicketOptions> tickets)
{
    private const string StillLeased = "t.ticket_id = r.ticket_id and t.epoch = r.epoch and t.lease_expires is not null";

    // The worker ends a run that takes too long; should it fail to, a sweep does, a while later.
    private const string StartedSql =
        $"""
        update tickets t set status = 'running', worker = r.worker, lease_expires = now() + $6,
            time_started = coalesce(t.time_started, now() - r.run_ms * interval '1 ms'),
            due_at = least(t.expires_at, now() + (r.run_limit_ms - r.run_ms) * interval '1 ms' + interval '15 s')
        from unnest($1, $2, $3, $4, $5) r (ticket_id, epoch, worker, run_ms, run_limit_ms) where {StillLeased}
        """;

    // Whoever had it may still run it: after a broken connection its heartbeat comes within 10 s and keeps the lease.
    // A ticket that was never said to run has no heartbeat to wait for, only a result that may be on its way.
    private const string RedeliveredSql =
        $"""
        update tickets t set status = 'running', time_started = coalesce(t.time_started, now()),
            lease_expires = least(t.lease_expires, now() + case t.status when 'running' then interval '15 s' else interval '2 s' end)
        from unnest($1, $2) r (ticket_id, epoch) where {StillLeased}
        """;

    private const string ReturnedSql =
        $"""
        update tickets t set status = 'queued', attempt = t.attempt - 1, lease_expires = null, queue_key = coalesce(t.queue_key, 0),
            time_started = null, worker = null, due_at = case when t.time_started is null then t.due_at else t.expires_at end
        from unnest($1, $2) r (ticket_id, epoch) where {StillLeased}
        returning t.ticket_id
        """;

    private const string FinishedSql =
        $"""
        update tickets t set time_finished = now(), lease_expires = null, worker = r.worker,
            time_started = coalesce(t.time_started, now() - r.run_ms * interval '1 ms'),
            status = case when now() <= t.expires_at then 'succeeded' else 'timed_out' end::ticket_status,
            response = case when now() <= t.expires_at then r.response end,
            response_details = case when now() <= t.expires_at then r.details end,
            error_type = case when now() > t.expires_at then 'processing_timeout' end,
            error_message = case when now() > t.expires_at then 'Ticket processing request timeout' end,
            report_pending = now() > t.expires_at
        from unnest($1, $2, $3, $4, $5, $6) r (ticket_id, epoch, worker, run_ms, response, details) where {StillLeased}
        returning t.ticket_id, t.user_id, t.status::text, t.response
        """;

    private const string FailedSql =
        $"""
        with r as (
            select * from unnest($1, $2, $3, $4, $5, $6, $7, $8) r (ticket_id, epoch, worker, run_ms, error_type, error_message, is_final, retry_after_ms)),
        hit as (
            update tickets t set lease_expires = null, worker = r.worker,
                time_started = coalesce(t.time_started, now() - r.run_ms * interval '1 ms'),
                error_type = r.error_type, error_message = r.error_message,
                status = case when t.attempt >= t.max_attempts or r.is_final then 'failed' else 'waiting' end::ticket_status,
                time_finished = case when t.attempt >= t.max_attempts or r.is_final then now() end,
                report_pending = t.attempt >= t.max_attempts or r.is_final,
                queue_key = coalesce(t.queue_key, 0),
                due_at = least(t.expires_at, now() + greatest(least(r.retry_after_ms, 86400000) * interval '1 ms', (0.5 + random() / 2) * least($10, $9 * 2 ^ (t.attempt - 1))))
            from r where {StillLeased}
            returning t.ticket_id, t.user_id, t.epoch, t.attempt, t.worker, t.time_started, t.status, t.error_type, t.error_message),
        recorded as (
            insert into ticket_attempts (ticket_id, epoch, outcome, attempt, worker, time_started, error_type, error_message)
            select ticket_id, epoch, 'failed', attempt, worker, time_started, error_type, error_message from hit
            on conflict on constraint ticket_attempts_pk do nothing)
        select ticket_id, user_id, status::text from hit
        """;

    // A repetition of the very report that ended the ticket is none: the broker may deliver it twice.
    private const string LateSql =
        """
        insert into ticket_attempts (ticket_id, epoch, outcome, attempt, worker, error_type)
        select t.ticket_id, r.epoch, 'late', t.attempt, r.worker, 'late'
        from unnest($1, $2, $3) r (ticket_id, epoch, worker)
        join tickets t on t.ticket_id = r.ticket_id
        where not (t.epoch = r.epoch and t.worker = r.worker and t.status in ('succeeded', 'failed', 'waiting'))
        on conflict on constraint ticket_attempts_pk do nothing
        """;

    // Numbered by the worker: a report that is delivered twice adds nothing.
    private const string ProgressSql =
        """
        insert into ticket_progress (ticket_id, epoch, seq, fraction, text)
        select t.ticket_id, t.epoch, r.seq, r.fraction, r.text
        from unnest($1, $2, $3, $4, $5) r (ticket_id, epoch, seq, fraction, text)
        join tickets t on t.ticket_id = r.ticket_id and t.epoch = r.epoch and t.lease_expires is not null
        on conflict on constraint ticket_progress_pk do nothing
        """;

    /// <summary>Applies <paramref name="reports"/>; their order within the batch does not matter.</summary>
    public async Task<ReportOutcome> ApplyAsync(IReadOnlyList<WorkerReport> reports, CancellationToken cancellationToken)
    {
        ReportOutcome outcome = new();
        HashSet<(Guid, int)> counted = [];
        var groups = reports.ToLookup(report => report.Type);
        await using var batch = database.CreateBatch();
        // Starts and heartbeats before ends, and a redelivery last: it must not shorten the lease of what ends in the same batch.
        // Only statements that return rows have a result to read: the driver steps over the others.
        List<Func<NpgsqlDataReader, Task>> readers = [];
        WorkerStatements.AddHeartbeats(batch, [.. groups[ReportType.Heartbeat]], dispatch.Value.Lease);
        Add(ReportType.Started, StartedSql, read: null, Workers, RunTimes, RunLimits, _ => Value(dispatch.Value.Lease));
        Add(ReportType.Progress, ProgressSql, read: null, Column(report => report.Sequence), Column(report => report.Fraction), Column(report => report.Text));
        Add(
            ReportType.Finished, FinishedSql, ReadFinishedAsync, Workers, RunTimes, Column(report => report.Response), Column(report => report.Details?.GetRawText()));
        Add(
            ReportType.Failed, FailedSql, ReadFailedAsync, Workers, RunTimes, Column(report => report.ErrorType ?? "model_error"), Column(report => report.ErrorMessage),
            Column(report => report.IsFinal), Column(report => report.RetryAfterMilliseconds), _ => Value(tickets.Value.RetryPause), _ => Value(tickets.Value.LongestRetryPause));
        Add(ReportType.Returned, ReturnedSql, ReadReturnedAsync);
        Add(ReportType.Redelivered, RedeliveredSql, read: null);
        if (batch.BatchCommands.Count == 0)
        {
            return outcome;
        }

        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            foreach (var read in readers)
            {
                await read(reader);
                await reader.NextResultAsync(cancellationToken);
            }
        }

        await RecordLateAsync(
            [.. groups[ReportType.Finished].Concat(groups[ReportType.Failed]).Where(report => !counted.Contains((report.TicketId, report.Epoch)))], outcome, cancellationToken);
        return outcome;

        void Add(ReportType type, string sql, Func<NpgsqlDataReader, Task>? read, params ReadOnlySpan<Func<WorkerReport[], NpgsqlParameter>> columns)
        {
            WorkerReport[] rows = [.. groups[type]];
            if (rows.Length == 0)
            {
                return;
            }

            NpgsqlBatchCommand command = new(sql) { Parameters = { Ids(rows), Epochs(rows) } };
            foreach (var column in columns)
            {
                command.Parameters.Add(column(rows));
            }

            batch.BatchCommands.Add(command);
            if (read is not null)
            {
                readers.Add(read);
            }
        }

        async Task ReadFinishedAsync(NpgsqlDataReader reader)
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                TicketSnapshot ticket = new(reader.GetGuid(0), reader.GetGuid(1), TicketStatusNames.Parse(reader.GetString(2)), reader.IsDBNull(3) ? null : reader.GetString(3), default);
                outcome.Ended.Add(ticket);
                outcome.HasErrors |= ticket.Status != TicketStatus.Succeeded;
            }

            HashSet<Guid> ended = [.. outcome.Ended.Select(ticket => ticket.TicketId)];
            counted.UnionWith(groups[ReportType.Finished].Where(report => ended.Contains(report.TicketId)).Select(report => (report.TicketId, report.Epoch)));
        }

        async Task ReadFailedAsync(NpgsqlDataReader reader)
        {
            HashSet<Guid> hit = [];
            while (await reader.ReadAsync(cancellationToken))
            {
                hit.Add(reader.GetGuid(0));
                TicketSnapshot ticket = new(reader.GetGuid(0), reader.GetGuid(1), TicketStatusNames.Parse(reader.GetString(2)), null, default);
                if (ticket.Status == TicketStatus.Failed)
                {
                    outcome.Ended.Add(ticket);
                    outcome.HasErrors = true;
                }
                else
                {
                    outcome.Returned++;
                }
            }

            counted.UnionWith(groups[ReportType.Failed].Where(report => hit.Contains(report.TicketId)).Select(report => (report.TicketId, report.Epoch)));
        }

        async Task ReadReturnedAsync(NpgsqlDataReader reader)
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                outcome.Returned++;
            }
        }
    }

    private static NpgsqlParameter<Guid[]> Ids(WorkerReport[] rows) => Value(Array.ConvertAll(rows, row => row.TicketId));

    private static NpgsqlParameter<int[]> Epochs(WorkerReport[] rows) => Value(Array.ConvertAll(rows, row => row.Epoch));

    private static NpgsqlParameter<string[]> Workers(WorkerReport[] rows) => Value(Array.ConvertAll(rows, row => row.Worker));

    private static NpgsqlParameter<int[]> RunTimes(WorkerReport[] rows) => Value(Array.ConvertAll(rows, row => row.RunMilliseconds));

    // A report that says nothing of a limit sets none.
    private static NpgsqlParameter<long[]> RunLimits(WorkerReport[] rows) => Value(Array.ConvertAll(rows, row => row.RunLimitMilliseconds ?? int.MaxValue));

    private static Func<WorkerReport[], NpgsqlParameter> Column<T>(Converter<WorkerReport, T> value) => rows => Value(Array.ConvertAll(rows, value));

    private static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };

    private async Task RecordLateAsync(WorkerReport[] late, ReportOutcome outcome, CancellationToken cancellationToken)
    {
        if (late.Length == 0)
        {
            return;
        }

        await using var command = database.CreateCommand(LateSql);
        command.Parameters.Add(Ids(late));
        command.Parameters.Add(Epochs(late));
        command.Parameters.Add(Workers(late));
        outcome.Late = await command.ExecuteNonQueryAsync(cancellationToken);
    }
}


namespace TicketApp.Api.Completion;

/// <summary>
/// The statements that apply reports. Each finds its tickets by id, epoch and lease. A report under an older epoch, or of a ticket
/// that has ended, meets no row; that is the whole protection against late and repeated results. "lease_expires is not null" says
/// the same as the status would, but matches no partial index, so that the planner never reads one whole to look up a few ids.
/// </summary>
/// <remarks>Those that move tickets return <see cref="Moved"/>.</remarks>
internal static class ReportStatements
{
    /// <summary>
    /// Locks a batch's tickets in the order of their ids, where several statements follow that each lock some of them: two batches of other
    /// replicas then never wait for each other. One statement alone locks them in that order by itself, as its rows are.
    /// </summary>
    public const string Lock =
        "select from tickets where ticket_id = any($1) and lease_expires is not null order by ticket_id for no key update";

    /// <summary>Which of the reported runs are wanted still.</summary>
    public const string Started =
        $"""
        update tickets t set status = case t.status when 'canceling' then t.status else 'running' end,
            worker = r.worker, lease_expires = now() + $6,
            time_started = coalesce(t.time_started, now() - r.run_ms * interval '1 ms'),
            due_at = least(t.expires_at, now() + (r.run_limit_ms - r.run_ms) * interval '1 ms' + interval '15 s')
        from unnest($1, $2, $3, $4, $5) r (ticket_id, epoch, worker, run_ms, run_limit_ms) where {StillLeased}
        returning t.ticket_id, t.epoch
        """;

    /// <summary>As <see cref="Started"/>.</summary>
    public const string Heartbeat =
        $"""
        update tickets t set lease_expires = now() + $3
        from unnest($1, $2) r (ticket_id, epoch) where {StillLeased}
        returning t.ticket_id, t.epoch
        """;

    // The worker that had it may still run it: after a broken connection its heartbeat comes within 10 s and keeps the lease. A ticket that
    // was never said to run has no heartbeat to wait for, only a result that may be on its way. The first time that is not charged: a
    // broker that fails takes connections from workers that live. A ticket whose runs kill their workers at once is redelivered under each
    // epoch, and charged from the second on.
    public const string Redelivered =
        $"""
        with moved as (
            update tickets t set
                status = case
                    when t.status = 'dispatched' and not r.was_redelivered then 'dispatched'
                    when t.status = 'canceling' then 'canceling'
                    else 'running' end::ticket_status,
                time_started = case
                    when t.status = 'dispatched' and not r.was_redelivered then t.time_started
                    else coalesce(t.time_started, now()) end,
                lease_expires = least(t.lease_expires, now() + case t.status when 'dispatched' then interval '2 s' else interval '20 s' end)
            from (
                select *, exists (
                    select from ticket_attempts a where a.ticket_id = r.ticket_id and a.outcome = 'redelivered' and a.epoch <> r.epoch)
                    as was_redelivered
                from unnest($1, $2) r (ticket_id, epoch)) r
            where {StillLeased}
            returning t.ticket_id, t.epoch, t.attempt)
        insert into ticket_attempts (ticket_id, epoch, outcome, attempt)
        select ticket_id, epoch, 'redelivered', attempt from moved order by ticket_id
        on conflict on constraint ticket_attempts_pk do nothing
        """;

    // What was canceled while it ran ends here: its worker has stopped it. Anything else is returned uncharged.
    public const string Returned =
        $"""
        update tickets t set lease_expires = null, queue_key = coalesce(t.queue_key, 0),
            status = case t.status when 'canceling' then 'canceled' else 'queued' end::ticket_status,
            time_finished = case t.status when 'canceling' then now() end,
            attempt = case t.status when 'canceling' then t.attempt else t.attempt - 1 end,
            time_started = case t.status when 'canceling' then t.time_started end,
            worker = case t.status when 'canceling' then t.worker end,
            due_at = case when t.time_started is null then t.due_at else t.expires_at end
        from unnest($1, $2, $3) r (ticket_id, epoch, run_ms) where {StillLeased}
        returning {Moved}
        """;

    // A result that comes before its worker was told about a cancellation stays. Where nearly all tickets end, the statement itself says
    // the transaction that the feed of ends goes by: the trigger that sees to it elsewhere costs a call for each row.
    public const string Finished =
        $"""
        update tickets t set time_finished = now(), finished_xid = pg_current_xact_id(), lease_expires = null, worker = r.worker,
            time_started = coalesce(t.time_started, now() - r.run_ms * interval '1 ms'),
            status = case when now() <= t.expires_at then 'succeeded' else 'timed_out' end::ticket_status,
            response = case when now() <= t.expires_at then r.response end,
            response_json = r.response_json and now() <= t.expires_at,
            response_details = case when now() <= t.expires_at then r.details end,
            error_type = case when now() > t.expires_at then 'processing_timeout' end,
            error_message = case when now() > t.expires_at then 'Ticket processing request timeout' end,
            report_pending = now() > t.expires_at
        from unnest($1, $2, $3, $4, $5, $6, $7) r (ticket_id, epoch, run_ms, worker, response, response_json, details)
        where {StillLeased}
        returning {Moved}
        """;

    // A model that is away or takes no more is no fault of the ticket's: the attempt is on record, and not charged.
    public static readonly string Failed =
        $"""
        with r as (
            select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
                r (ticket_id, epoch, run_ms, worker, error_type, error_message, is_final, is_refused, retry_after_ms)),
        hit as (
            update tickets t set lease_expires = null, worker = r.worker,
                time_started = coalesce(t.time_started, now() - r.run_ms * interval '1 ms'),
                error_type = case t.status when 'canceling' then t.error_type else r.error_type end,
                error_message = case t.status when 'canceling' then t.error_message else r.error_message end,
                status = case when t.status = 'canceling' then 'canceled' when {IsLast} then 'failed' else 'retryable' end::ticket_status,
                time_finished = case when t.status = 'canceling' or {IsLast} then now() end,
                attempt = t.attempt - (r.is_refused and t.status <> 'canceling')::int,
                report_pending = t.status <> 'canceling' and ({IsLast}),
                queue_key = coalesce(t.queue_key, 0),
                due_at = least(t.expires_at, now() + greatest(
                    least(r.retry_after_ms, 86400000) * interval '1 ms',
                    {RetryPause.Sql(first: "$10", longest: "$11")}))
            from r where {StillLeased}
            returning {Moved}, t.epoch, t.attempt + r.is_refused::int as attempt, t.worker, t.time_started, t.error_type, t.error_message),
        recorded as (
            insert into ticket_attempts (ticket_id, epoch, outcome, attempt, worker, time_started, error_type, error_message)
            select ticket_id, epoch, 'failed', attempt, worker, time_started, error_type, error_message from hit where status <> 'canceled'
            on conflict on constraint ticket_attempts_pk do nothing)
        select ticket_id, user_id, status, response, model, run_ms, age from hit
        """;

    // Numbered by the worker: a report that is delivered twice adds nothing. Locked: a ticket that is just being removed is not there.
    // What no honest worker sends is left out: a stolen account could fill the database with the progress of one run. The number bounds the
    // reports, and with them all short texts, so that only a long one has the texts of its run added up (31 ms for 1,000 reports of a run
    // with 15,000 rows). A response of a million characters has up to three million bytes, and may be on its way a second time.
    public const string Progress =
        """
        with r as materialized (
            select *, sum(octet_length(text)) over (partition by ticket_id, epoch order by seq) as bytes
            from unnest($1, $2, $3, $4, $5) r (ticket_id, epoch, seq, fraction, text) where seq <= 20000),
        stored as materialized (
            select ticket_id, epoch, (
                select coalesce(sum(octet_length(p.text)), 0) from ticket_progress p
                where p.ticket_id = run.ticket_id and p.epoch = run.epoch) as bytes
            from (select distinct ticket_id, epoch from r where octet_length(text) > 200) run)
        insert into ticket_progress (ticket_id, epoch, seq, fraction, text)
        select t.ticket_id, t.epoch, r.seq, r.fraction, r.text
        from r join tickets t on t.ticket_id = r.ticket_id and t.epoch = r.epoch and t.lease_expires is not null
        left join stored s on s.ticket_id = r.ticket_id and s.epoch = r.epoch
        where octet_length(r.text) <= 200 is not false or r.bytes + s.bytes <= 6000000
        order by t.ticket_id, t.epoch, r.seq for key share of t
        on conflict on constraint ticket_progress_pk do nothing
        """;

    // A repetition of the very report that ended the ticket is not late: the broker may deliver it twice.
    public const string Late =
        """
        insert into ticket_attempts (ticket_id, epoch, outcome, attempt, worker, error_type)
        select t.ticket_id, r.epoch, 'late', t.attempt, r.worker, 'late'
        from unnest($1, $2, $3) r (ticket_id, epoch, worker)
        join tickets t on t.ticket_id = r.ticket_id
        where not (t.epoch = r.epoch and t.worker = r.worker and t.status in ('succeeded', 'failed', 'retryable'))
        order by t.ticket_id, r.epoch for key share of t
        on conflict on constraint ticket_attempts_pk do nothing
        """;

    private const string StillLeased = "t.ticket_id = r.ticket_id and t.epoch = r.epoch and t.lease_expires is not null";

    private const string IsLast = "(t.attempt >= t.max_attempts and not r.is_refused) or r.is_final";

    private const string Moved =
        "t.ticket_id, t.user_id, t.status::text as status, t.response, t.model, r.run_ms, "
        + "extract(epoch from now() - t.time_created)::float8 as age";
}

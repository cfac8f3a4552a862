namespace TicketApp.Api.Tickets;

/// <summary>
/// The statements that store new tickets. $1 to $3: ids, users, priorities; $4: processing limit; $5: queue limit; $6: attempts; and
/// for those that are released at once, last, the lease. The detailed forms take what the resource API can say of a ticket as further arrays,
/// and are used only where a ticket of the batch has it.
/// </summary>
internal static class TicketInserts
{
    public const string Released =
        """
        insert into tickets (ticket_id, user_id, time_created, expires_at, due_at, max_attempts, priority, status, attempt, epoch, lease_expires)
        select i.ticket_id, i.user_id, now(), now() + $4, now() + $5, $6, i.priority, 'released', 1, 1, now() + $7
        from unnest($1, $2, $3) i (ticket_id, user_id, priority)
        join users u on u.user_id = i.user_id
        returning ticket_id, expires_at
        """;

    public const string Queued =
        $"""
        insert into tickets (ticket_id, user_id, time_created, expires_at, due_at, max_attempts, priority, status, queue_key)
        select i.ticket_id, i.user_id, now(), now() + $4, now() + $5, $6, i.priority, 'queued', {QueueKey}
        from unnest($1, $2, $3) with ordinality i (ticket_id, user_id, priority, place)
        join users u on u.user_id = i.user_id
        {HeadAndFlow}
        returning ticket_id
        """;

    public const string DetailedReleased =
        $"""
        insert into tickets ({DetailColumns}, status, attempt, epoch, lease_expires)
        select {DetailValues}, 'released', 1, 1, now() + $14
        from unnest($1, $2, $3, $7, $8, $9, $10, $11, $12, $13)
            i (ticket_id, user_id, priority, model, input, queue_ttl_s, execution_timeout_s, deadline_s, webhook_url, webhook_events)
        join users u on u.user_id = i.user_id
        returning ticket_id, expires_at, time_created
        """;

    public const string DetailedQueued =
        $"""
        insert into tickets ({DetailColumns}, status, queue_key)
        select {DetailValues}, 'queued', {QueueKey}
        from unnest($1, $2, $3, $7, $8, $9, $10, $11, $12, $13) with ordinality
            i (ticket_id, user_id, priority, model, input, queue_ttl_s, execution_timeout_s, deadline_s, webhook_url, webhook_events, place)
        join users u on u.user_id = i.user_id
        {HeadAndFlow}
        returning ticket_id, expires_at, time_created
        """;

    private const string DetailColumns =
        "ticket_id, user_id, time_created, expires_at, due_at, max_attempts, priority, model, input, queue_ttl_s, execution_timeout_s, deadline_s, webhook_url, webhook_events";

    private const string DetailValues =
        """
        i.ticket_id, i.user_id, now(), now() + coalesce(i.deadline_s * interval '1 s', $4),
            now() + least(coalesce(i.queue_ttl_s * interval '1 s', $5), coalesce(i.deadline_s * interval '1 s', $4)), $6,
            i.priority, i.model, i.input, i.queue_ttl_s, i.execution_timeout_s, i.deadline_s, i.webhook_url, i.webhook_events
        """;

    // Start-time fair queuing. Each user's tickets of one priority form a flow; a ticket's key is its flow's last key, or the
    // backlog's head if that is further on, plus its cost: 1 for high, 4 for normal, 16 for low. So a flow of 100,000 tickets
    // stretches far behind a newcomer's first one, and low priority gets its sixteenth of high's share, never nothing.
    // Both look-ups are one index entry each, whatever the backlog.
    private const string QueueKey =
        """
        greatest(coalesce(head.queue_key, 0), coalesce(flow.queue_key, 0))
                + (case i.priority when 2 then 1 when 1 then 4 else 16 end) * row_number() over (partition by i.user_id, i.priority order by i.place)
        """;

    private const string HeadAndFlow =
        """
        left join (select queue_key from tickets where status = 'queued' order by queue_key limit 1) head on true
        left join lateral (
            select q.queue_key from tickets q
            where q.status = 'queued' and q.user_id = i.user_id and q.priority = i.priority
            order by q.queue_key desc limit 1) flow on true
        """;
}

using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Messaging;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Tickets;

/// <summary>Writes new tickets.</summary>
internal sealed class TicketStore(IOptions<TicketOptions> tickets, IOptions<DispatchOptions> dispatching)
{
    /// <summary>
    /// Stores the tickets whose users exist and whose keys are new: the first <paramref name="dispatch"/> of the batch as dispatched, the
    /// rest in the backlog.
    /// </summary>
    public async Task<Creation> CreateAsync(NpgsqlConnection connection, IReadOnlyList<NewTicket> batch, int dispatch)
    {
        Dictionary<Guid, StoredTicket> stored = new(batch.Count);
        List<TicketMessage> dispatched = new(dispatch);
        var isDetailed = tickets.Value.DefaultModel != ModelNames.Simulated
            || batch.Any(ticket => ticket is not { Model: null, Key: null, TraceParent: null });
        await using NpgsqlBatch command = new(connection);
        AddInserts(command, batch, dispatch, isDetailed);
        var first = batch.Take(dispatch).ToDictionary(ticket => ticket.TicketId);
        await using var reader = await command.ExecuteReaderAsync();
        do
        {
            while (await reader.ReadAsync())
            {
                var ticketId = reader.GetGuid(0);
                stored[ticketId] = isDetailed
                    ? Read(reader, first.ContainsKey(ticketId) ? TicketStatus.Dispatched : TicketStatus.Queued)
                    : default;
                if (first.TryGetValue(ticketId, out var ticket))
                {
                    dispatched.Add(ToMessage(ticket, reader.GetDateTime(1)));
                }
            }
        }
        while (await reader.NextResultAsync());
        return new(stored, dispatched);
    }

    private void AddInserts(NpgsqlBatch command, IReadOnlyList<NewTicket> batch, int dispatch, bool isDetailed)
    {
        if (isDetailed)
        {
            command.Add(
                TicketInserts.Detailed,
                [
                    .. Common(batch, tickets.Value.QueueTtl), .. Details(batch), .. Keys([.. batch.Where(row => row.Key is not null)]),
                    Value(dispatch), Column(batch, row => row.Webhook?.Form),
                ]);
            return;
        }

        var (limit, queue) = (tickets.Value.Deadline, tickets.Value.QueueTtl);
        queue = queue < limit ? queue : limit;
        if (dispatch > 0)
        {
            command.Add(TicketInserts.Dispatched, Common([.. batch.Take(dispatch)], queue));
        }

        if (dispatch < batch.Count)
        {
            command.Add(TicketInserts.Queued, Common([.. batch.Skip(dispatch)], queue));
        }
    }

    private StoredTicket Read(NpgsqlDataReader reader, TicketStatus status) =>
        new(status, tickets.Value.MaxAttempts, reader.GetDateTime(2), reader.GetDateTime(1));

    private TicketMessage ToMessage(NewTicket ticket, DateTime deadline) => new()
    {
        TicketId = ticket.TicketId,
        UserId = ticket.UserId,
        Model = ticket.Model ?? tickets.Value.DefaultModel,
        Input = ticket.Input,
        Deadline = deadline,
        ExecutionTimeoutSeconds = ticket.ExecutionTimeoutS ?? 0,
        StartWithinSeconds = (int)dispatching.Value.MessageExpiration.TotalSeconds,
        Attempt = 1,
        Epoch = 1,
        TraceParent = ticket.TraceParent,
    };

    private NpgsqlParameter[] Common(IReadOnlyList<NewTicket> rows, TimeSpan? queueTtl) =>
    [
        Column(rows, row => row.TicketId), Column(rows, row => row.UserId), Column(rows, row => (short)row.Priority),
        Value(tickets.Value.Deadline), Value(queueTtl), Value((short)tickets.Value.MaxAttempts), Value(dispatching.Value.LeaseDuration),
    ];

    private NpgsqlParameter[] Details(IReadOnlyList<NewTicket> rows) =>
    [
        Column(rows, row => row.Model ?? tickets.Value.DefaultModel),
        Column(rows, row => row.Input?.Text), Column(rows, row => row.Input is { IsJson: true }),
        Column(rows, row => row.QueueTtlS), Column(rows, row => row.ExecutionTimeoutS), Column(rows, row => row.DeadlineS),
        Column(rows, row => row.Webhook?.Url), Column(rows, row => (short?)row.Webhook?.Events), Column(rows, row => row.TraceParent),
    ];

    // In one order, so that two replicas with the same keys never wait for each other.
    private static NpgsqlParameter[] Keys(NewTicket[] keyed)
    {
        NewTicket[] inOrder = [.. keyed.OrderBy(row => row.UserId).ThenBy(row => row.Key!.Key, StringComparer.Ordinal)];
        return
        [
            Column(inOrder, row => row.UserId), Column(inOrder, row => row.Key!.Key),
            Column(inOrder, row => row.Key!.BodyHash), Column(inOrder, row => row.TicketId),
        ];
    }
}

/// <summary>
/// The statements that store new tickets. $1 to $3: ids, users, priorities; $4: deadline; $5: queue TTL; $6: attempts; $7: lease.
/// The detailed form takes what the resource API can say of a ticket as further arrays, then idempotency keys, in $21 how many of the
/// first are dispatched, and in $22 the forms of webhooks. It does all that the others do, and is used only where a ticket of the batch
/// needs it.
/// </summary>
internal static class TicketInserts
{
    public const string Dispatched =
        """
        insert into tickets (
            ticket_id, user_id, time_created, expires_at, due_at, max_attempts, priority, status, attempt, epoch, lease_expires)
        select i.ticket_id, i.user_id, now(), now() + $4, now() + $5, $6, i.priority, 'dispatched', 1, 1, now() + $7
        from unnest($1, $2, $3) i (ticket_id, user_id, priority)
        join users u on u.user_id = i.user_id and u.time_erased is null
        returning ticket_id, expires_at
        """;

    public const string Queued =
        $"""
        insert into tickets (ticket_id, user_id, time_created, expires_at, due_at, max_attempts, priority, status, queue_key)
        select i.ticket_id, i.user_id, now(), now() + $4, now() + $5, $6, i.priority, 'queued', {QueueKey}
        from (
            select o.*, {Positions}
            from (
                select *, '{ModelNames.Simulated}' as model
                from unnest($1, $2, $3) with ordinality p (ticket_id, user_id, priority, place)) o
            join users u on u.user_id = o.user_id and u.time_erased is null) i
        {HeadAndFlow}
        returning ticket_id
        """;

    // Keys are claimed by the same statement, whatever is dispatched, so that two replicas with the same keys never wait for each other.
    public const string Detailed =
        $"""
        {Claim},
        dispatched as ({IntoDispatched} {OnlyClaimed} and place <= $21 {Returning}),
        queued as ({IntoQueued} {OnlyClaimed} and place > $21) i {HeadAndFlow} {Returning})
        select * from dispatched union all select * from queued
        """;

    // Start-time fair queuing, for each model by itself. Each user's tickets of one priority form a flow; a ticket's key is its flow's last
    // key, or the backlog's head if that is further on, plus its cost: 1 for high, 4 for normal, 16 for low. So a flow of 100,000 tickets
    // stretches far behind a newcomer's first one, and low priority gets its sixteenth of high's share, never nothing.
    // Both look-ups are one index entry each, whatever the backlog, but for those of dispatched tickets that cannot be cleared away while a
    // transaction somewhere is older: so a batch looks once for each model and each flow, not once for each ticket.
    public const string QueueKey =
        """
        greatest(
                    coalesce(max(head.queue_key) over (partition by i.model), 0),
                    coalesce(max(flow.queue_key) over (partition by i.model, i.user_id, i.priority), 0))
                + (case i.priority when 2 then 1 when 1 then 4 else 16 end) * i.place_in_flow
        """;

    /// <summary>
    /// What <see cref="QueueKey"/> looks at, for tickets <c>i</c> with their <c>place_in_model</c> and <c>place_in_flow</c>.
    /// </summary>
    public const string HeadAndFlow =
        $"""
        left join lateral ({Head}) head on true
        left join lateral (
            select q.queue_key from tickets q
            where i.place_in_flow = 1 and q.status = 'queued' and q.model = i.model and q.user_id = i.user_id and q.priority = i.priority
            order by q.queue_key desc limit 1) flow on true
        """;

    // The head of the backlog, or how far the dispatch has come if that is further on, as it is where users' running tickets are limited:
    // tickets without a place then stay at the head, and newcomers placed there would pass all others for ever.
    private const string Head =
        """
        select greatest(
                (select queue_key from tickets
                    where i.place_in_model = 1 and status = 'queued' and model = i.model order by queue_key limit 1),
                (select v.queue_key from dispatch_virtual_time v where i.place_in_model = 1 and v.model = i.model)) as queue_key
        """;

    /// <summary>Where each of the tickets <c>o</c> stands among those of its model and of its flow, by their <c>place</c>.</summary>
    public const string Positions =
        """
        row_number() over (partition by o.model order by o.place) as place_in_model,
                row_number() over (partition by o.model, o.user_id, o.priority order by o.place) as place_in_flow
        """;

    private const string IntoDispatched =
        $"""
        insert into tickets ({DetailColumns}, status, attempt, epoch, lease_expires)
        select {DetailValues}, 'dispatched', 1, 1, now() + $7
        from unnest($1, $2, $3, $8, $9, $10, $11, $12, $13, $14, $15, $16, $22) with ordinality
            i (ticket_id, user_id, priority, model, input, input_json, queue_ttl_s, execution_timeout_s, deadline_s,
               webhook_url, webhook_events, trace_parent, webhook_form, place)
        join users u on u.user_id = i.user_id and u.time_erased is null
        """;

    private const string IntoQueued =
        $"""
        insert into tickets ({DetailColumns}, status, queue_key)
        select {DetailValues}, 'queued', {QueueKey}
        from (
            select o.*, {Positions}
            from unnest($1, $2, $3, $8, $9, $10, $11, $12, $13, $14, $15, $16, $22) with ordinality
                o (ticket_id, user_id, priority, model, input, input_json, queue_ttl_s, execution_timeout_s, deadline_s,
                   webhook_url, webhook_events, trace_parent, webhook_form, place)
            join users u on u.user_id = o.user_id and u.time_erased is null
        """;

    // A key is stored with its ticket or not at all. Who comes second waits here until the first has committed, and is then left out.
    private const string Claim =
        """
        with claimed as (
            insert into idempotency_keys (user_id, key, body_hash, ticket_id)
            select k.user_id, k.key, k.body_hash, k.ticket_id
            from unnest($17, $18, $19, $20) with ordinality k (user_id, key, body_hash, ticket_id, place)
            join users u on u.user_id = k.user_id and u.time_erased is null order by k.place
            on conflict on constraint idempotency_keys_pk do nothing
            returning ticket_id)
        """;

    private const string OnlyClaimed = "where (ticket_id <> all ($20) or ticket_id in (select c.ticket_id from claimed c))";

    private const string Returning = "returning ticket_id, expires_at, time_created";

    private const string DetailColumns =
        "ticket_id, user_id, time_created, expires_at, due_at, max_attempts, priority, model, input, input_json, "
            + "queue_ttl_s, execution_timeout_s, deadline_s, webhook_url, webhook_events, webhook_form, trace_parent";

    private const string DetailValues =
        """
        i.ticket_id, i.user_id, now(), now() + coalesce(i.deadline_s * interval '1 s', $4),
            now() + least(coalesce(i.queue_ttl_s * interval '1 s', $5), coalesce(i.deadline_s * interval '1 s', $4)), $6,
            i.priority, i.model, i.input, i.input_json,
            i.queue_ttl_s, i.execution_timeout_s, i.deadline_s, i.webhook_url, i.webhook_events, i.webhook_form, i.trace_parent
        """;
}

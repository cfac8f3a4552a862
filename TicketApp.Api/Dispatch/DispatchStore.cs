using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Auth;
using TicketApp.Messaging;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Dispatch;

/// <summary>The dispatcher's statements.</summary>
internal sealed class DispatchStore(NpgsqlDataSource database, IOptions<DispatchOptions> options, IOptions<LimitOptions> limits)
{
    private static readonly TimeSpan _replicaForgottenAfter = TimeSpan.FromSeconds(15);

    /// <summary>
    /// What each worker serves that lives: <c>worker, model, slots, is_unavailable</c>. $1 is how long ago it may have been heard of.
    /// </summary>
    public const string Served =
        """
        select w.worker, m.key as model, m.value::int as slots, w.unavailable ? m.key as is_unavailable
        from workers w cross join lateral jsonb_each_text(w.models) m where w.last_seen > now() - $1
        """;

    // One statement for all models. Which of them have a backlog is read from the first entry of each in its index.
    private const string QuerySql =
        $"""
        with recursive backlogged (model) as (
            (select model from tickets where status = 'queued' order by model limit 1)
            union all
            select (select t.model from tickets t where t.status = 'queued' and t.model > w.model order by t.model limit 1)
            from backlogged w where w.model is not null),
        seen (model, in_flight, slots, workers, waits) as (
            select model, count(*), 0, 0, false from tickets where status in ('dispatched', 'running', 'canceling') group by model
            union all
            select model, 0, slots, 1, false from ({Served}) served
            union all
            select model, 0, 0, 0, true from backlogged where model is not null)
        select r.count + 1, s.model, s.in_flight, s.slots, s.workers, s.waits, exists (select from dispatch_pause)
        from (select count(*)::int as count from api_replicas where last_seen > now() - $2 and replica <> $3) r
        left join (
            select model, sum(in_flight)::bigint as in_flight,
                sum(slots)::bigint as slots, sum(workers)::int as workers, bool_or(waits) as waits
            from seen group by model) s on true
        """;

    /// <summary>Nothing of a user who is to be erased begins any more. There is hardly ever one: it costs a look-up a statement.</summary>
    public const string NotErased = "user_id not in (select user_id from erasures where time_completed is null)";

    // SKIP LOCKED: replicas that dispatch at the same moment take different tickets instead of waiting for each other.
    private const string DispatchSql =
        $"""
        with picked as (
            select ticket_id from tickets where status = 'queued' and model = $3 and ticket_id <> all ($4) and {NotErased}
            order by queue_key, ticket_id limit $1 for update skip locked)
        update tickets t set status = 'dispatched', attempt = t.attempt + 1, epoch = t.epoch + 1, lease_expires = now() + $2,
            time_started = null, worker = null
        from picked where t.ticket_id = picked.ticket_id
        returning t.ticket_id, t.user_id, t.model, t.input, t.attempt, t.epoch,
            t.expires_at, t.queue_key, coalesce(t.execution_timeout_s, 0), t.trace_parent, t.input_json
        """;

    private const string FirstSql =
        $"""
        select ticket_id from tickets where status = 'queued' and model = $3 and ticket_id <> all ($4) and {NotErased}
        order by queue_key, ticket_id limit $1 for update skip locked
        """;

    // Under the lease's own epoch only: a ticket that has moved on since is left alone.
    private const string ReturnSql =
        """
        update tickets t set status = 'queued', attempt = t.attempt - 1, lease_expires = null, queue_key = coalesce(t.queue_key, 0)
        from (
            select t.ticket_id from unnest($1, $2) r (ticket_id, epoch) join tickets t on t.ticket_id = r.ticket_id
            where t.epoch = r.epoch and t.status = 'dispatched' order by t.ticket_id for no key update of t) r
        where t.ticket_id = r.ticket_id
        """;

    private const string AnnounceSql =
        """
        insert into api_replicas (replica, last_seen) values ($1, now())
        on conflict on constraint api_replicas_pk do update set last_seen = excluded.last_seen
        """;

    private const string CountOpenSql = "select count(*) from tickets where time_finished is null";

    private bool IsLimited => limits.Value.MaxConcurrentPerUser > 0;

    /// <summary>Looks at the windows, for the replica <paramref name="replica"/>.</summary>
    public async Task<WindowQuery> QueryAsync(Guid replica, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            QuerySql, Value(options.Value.LeaseDuration), Value(_replicaForgottenAfter), Value(replica));
        Dictionary<string, WindowState> models = [];
        var (replicas, isPaused) = (1, false);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            (replicas, isPaused) = (reader.GetInt32(0), reader.GetBoolean(6));
            if (!reader.IsDBNull(1))
            {
                models[reader.GetString(1)] = new(
                    reader.GetInt64(2), reader.GetInt64(3), reader.GetInt32(4), replicas, reader.GetBoolean(5));
            }
        }

        return new(replicas, models, isPaused);
    }

    /// <summary>
    /// Dispatches up to <paramref name="count"/> tickets from the head of a model's backlog, in its order; where users' running tickets are
    /// limited, only those that have a place.
    /// </summary>
    public Task<IReadOnlyList<TicketMessage>> DispatchAsync(string model, int count, CancellationToken cancellationToken) =>
        DispatchAsync(model, count, [], cancellationToken);

    /// <summary>The ticket that <see cref="DispatchAsync(string, int, Guid[], CancellationToken)"/> would take first.</summary>
    public async Task<Guid?> FirstAsync(string model, Guid[] leftOut, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            IsLimited ? LimitedDispatch.FirstSql : FirstSql, DispatchValues(model, count: 1, leftOut));
        return await command.ExecuteScalarAsync(cancellationToken) as Guid?;
    }

    /// <summary>The same without the tickets <paramref name="leftOut"/>.</summary>
    public async Task<IReadOnlyList<TicketMessage>> DispatchAsync(
        string model, int count, Guid[] leftOut, CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        if (IsLimited)
        {
            batch.Add(LimitedDispatch.LockSql);
        }

        batch.Add(IsLimited ? LimitedDispatch.DispatchSql : DispatchSql, DispatchValues(model, count, leftOut));
        List<(long Key, TicketMessage Ticket)> dispatched = [];
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (IsLimited)
        {
            await reader.NextResultAsync(cancellationToken);
        }

        while (await reader.ReadAsync(cancellationToken))
        {
            TicketMessage ticket = new()
            {
                TicketId = reader.GetGuid(0),
                UserId = reader.GetGuid(1),
                Model = reader.GetString(2),
                Input = reader.IsDBNull(3) ? null : new(reader.GetString(3), reader.GetBoolean(10)),
                Attempt = reader.GetInt16(4),
                Epoch = reader.GetInt32(5),
                Deadline = reader.GetFieldValue<DateTimeOffset>(6),
                ExecutionTimeoutSeconds = reader.GetInt32(8),
                TraceParent = reader.Text(9),
                StartWithinSeconds = (int)options.Value.MessageExpiration.TotalSeconds,
            };
            dispatched.Add((reader.GetInt64(7), ticket));
        }

        return [.. dispatched.OrderBy(row => row.Key).Select(row => row.Ticket)];
    }

    private NpgsqlParameter[] DispatchValues(string model, int count, Guid[] leftOut)
    {
        NpgsqlParameter[] most = IsLimited ? [Value(limits.Value.MaxConcurrentPerUser)] : [];
        return [Value(count), Value(options.Value.LeaseDuration), Value(model), .. most, Value(leftOut)];
    }

    /// <summary>Returns dispatched tickets that the broker did not take to the head of the backlog. The attempt is not charged.</summary>
    public async Task ReturnAsync(IReadOnlyList<TicketMessage> tickets, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            ReturnSql, Column(tickets, ticket => ticket.TicketId), Column(tickets, ticket => ticket.Epoch));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Says that the replica <paramref name="replica"/> takes its share of the window.</summary>
    public async Task AnnounceAsync(Guid replica, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(AnnounceSql, Value(replica));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Takes the replica out of the count at once.</summary>
    public async Task LeaveAsync(Guid replica, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            "delete from api_replicas where replica = $1 or last_seen < now() - interval '1 day'", Value(replica));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Counts open tickets; the cost is in proportion to them.</summary>
    public async Task<long> CountOpenAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(CountOpenSql);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}

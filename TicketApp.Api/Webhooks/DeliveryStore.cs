using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Webhooks;

/// <summary>What a replica takes on, and where it looks next.</summary>
/// <param name="Deliveries">Each is this replica's until its lease ends.</param>
/// <param name="LastHost">The last host that was looked at, if there may be more after it; else empty.</param>
internal sealed record Claim(IReadOnlyList<Delivery> Deliveries, string LastHost);

/// <summary>The statements that move deliveries on. Replicas share the work by skipping each other's rows.</summary>
internal sealed class DeliveryStore(NpgsqlDataSource database, IOptions<WebhookOptions> options)
{
    private const int HostsPerClaim = 200;
    private const int OwnColumns = 11;

    // Goes from host to host by the index, and takes a few of each: neither a million deliveries to a host that hangs nor what is
    // not due yet is ever read through, and no host comes twice before the others were looked at. A delivery whose ticket has an
    // earlier one pending is put off until that is tried again. The claim is due_at itself: moved on, it is the lease.
    private const string ClaimSql =
        $"""
        with recursive hosts (host, place) as (
            (select host, 1 from webhook_deliveries where due_at is not null and host > $1 order by host limit 1)
            union all
            select (select d.host from webhook_deliveries d where d.due_at is not null and d.host > h.host order by d.host limit 1),
                h.place + 1
            from hosts h where h.host is not null and h.place < $2),
        candidates as (
            select d.delivery_id from hosts h
            left join unnest($3, $4) busy (host, attempts) on busy.host = h.host
            cross join lateral (
                select q.delivery_id, row_number() over (order by q.due_at) as place
                from webhook_deliveries q where q.due_at is not null and q.host = h.host and q.due_at <= now()
                order by q.due_at limit $5) d
            where d.place + coalesce(busy.attempts, 0) <= $5
            limit $6),
        mine as (
            select d.delivery_id, (
                select min(e.due_at) from webhook_deliveries e
                where e.ticket_id = d.ticket_id and e.sequence < d.sequence and e.due_at is not null) as after
            from candidates c join webhook_deliveries d on d.delivery_id = c.delivery_id
            where d.due_at <= now() for update of d skip locked),
        moved as (
            update webhook_deliveries d set
                due_at = case when m.after is null then now() + $7 else greatest(m.after, now()) + interval '100 ms' end,
                attempts = least(d.attempts + (m.after is null)::int, 32767),
                tries = least(d.tries + (m.after is null)::int, 32767)
            from mine m where d.delivery_id = m.delivery_id
            returning d.*, m.after)
        select {TicketRecord.Columns}, (select host from hosts where place = $2),
            m.delivery_id, m.host, w.webhook_url, m.event, m.time_created,
            not jsonb_exists(m.ticket, 'response'), m.attempts, m.tries,
            exists (select from webhook_endpoints_off o where o.user_id = m.user_id and o.url = w.webhook_url), w.trace_parent
        from (values (1)) always
        left join moved m on m.after is null
        left join tickets w on w.ticket_id = m.ticket_id
        left join lateral jsonb_populate_record(null::tickets, m.ticket) t on true
        """;

    // Counts only while the attempt is the delivery's last: after a lease that ended, somebody else's may be in progress.
    // The ticket's next delivery need not wait for the moment that it was put off to.
    private const string CompleteSql =
        """
        with hit as (
            update webhook_deliveries set
                outcome = $3, time_ended = case when $3 is not null then now() end, due_at = case when $3 is null then now() + $4 end
            where delivery_id = $1 and attempts = $2 and due_at is not null
            returning delivery_id, ticket_id, sequence),
        logged as (
            insert into webhook_attempts (delivery_id, attempt, duration_ms, status_code, error)
            select delivery_id, $2, $5, $6, $7 from hit)
        update webhook_deliveries n set due_at = now()
        from (
            select d.delivery_id from hit join webhook_deliveries d on d.ticket_id = hit.ticket_id and d.sequence > hit.sequence
            where $3 is not null and d.due_at > now() and d.tries = 0 order by d.sequence for no key update of d) later
        where n.delivery_id = later.delivery_id
        """;

    private const string SwitchOffSql = "insert into webhook_endpoints_off (user_id, url) values ($1, $2) on conflict do nothing";

    private const string PurgeSql =
        """
        delete from webhook_deliveries where delivery_id = any(array(
            select delivery_id from webhook_deliveries where time_ended < now() - $1 order by time_ended limit $2 for update skip locked))
        """;

    /// <summary>Takes deliveries that are due, in the order of their hosts.</summary>
    /// <param name="afterHost">Where the last claim ended.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="busy">How many attempts are in progress to which host.</param>
    /// <param name="cancellationToken">Ends the claim.</param>
    public async Task<Claim> ClaimAsync(
        string afterHost, int limit, IReadOnlyDictionary<string, int> busy, CancellationToken cancellationToken)
    {
        await using var command = Command(
            ClaimSql,
            Value(afterHost), Value(HostsPerClaim), Value(busy.Keys.ToArray()), Value(busy.Values.ToArray()),
            Value(options.Value.MaxConcurrencyPerHost), Value(limit), Value(options.Value.Lease));
        List<Delivery> deliveries = [];
        var lastHost = "";
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var own = reader.FieldCount - OwnColumns;
            lastHost = reader.IsDBNull(own) ? "" : reader.GetString(own);
            if (!reader.IsDBNull(own + 1))
            {
                deliveries.Add(Read(reader, own + 1));
            }
        }

        return new(
            deliveries, deliveries.Count == limit ? deliveries.Select(delivery => delivery.Host).Max(StringComparer.Ordinal)! : lastHost);
    }

    /// <summary>
    /// Writes down how an attempt went, and what follows: the next one after <paramref name="pause"/>, or the end as delivered or dead.
    /// </summary>
    public async Task CompleteAsync(Delivery delivery, AttemptResult result, TimeSpan? pause, CancellationToken cancellationToken)
    {
        var outcome = result.IsSuccess ? "delivered" : pause is null ? "dead" : null;
        await using var command = Command(
            CompleteSql,
            Value(delivery.Id), Value(delivery.Attempt), Value(outcome),
            Value(pause ?? TimeSpan.Zero), Value((int)result.Duration.TotalMilliseconds),
            Value((short?)result.StatusCode), Value(result.Error));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Notes that the receiver wants no more from this user.</summary>
    public async Task SwitchOffAsync(Guid userId, Uri url, CancellationToken cancellationToken)
    {
        await using var command = Command(SwitchOffSql, Value(userId), Value(url.AbsoluteUri));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Deletes deliveries that ended long ago, up to <paramref name="most"/>; their attempts go with them.</summary>
    /// <returns>How many.</returns>
    public async Task<int> PurgeAsync(int most, CancellationToken cancellationToken)
    {
        await using var command = Command(PurgeSql, Value(options.Value.Retention), Value(most));
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static Delivery Read(NpgsqlDataReader reader, int own) => new(
        reader.GetGuid(own), reader.GetString(own + 1), new Uri(reader.GetString(own + 2)),
        reader.GetString(own + 3), reader.GetDateTime(own + 4),
        TicketRecord.Read(reader), reader.GetBoolean(own + 5), reader.GetInt16(own + 6), reader.GetInt16(own + 7),
        reader.GetBoolean(own + 8), reader.IsDBNull(own + 9) ? null : reader.GetString(own + 9));

    private static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };

    private NpgsqlCommand Command(string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = database.CreateCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }
}

/// <summary>Removes deliveries that ended long ago.</summary>
internal sealed class DeliveryPurger(DeliveryStore store, DatabaseMigrator migrator, LoopProgress progress, ILogger<DeliveryPurger> logger)
    : PurgeLoop("removal of old webhook deliveries", TimeSpan.FromMinutes(10), migrator, progress, logger)
{
    protected override async Task<bool> PurgeAsync(int part, CancellationToken stoppingToken) =>
        await store.PurgeAsync(part, stoppingToken) > 0;
}

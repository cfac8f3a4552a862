using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Storage;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Webhooks;

/// <summary>What a replica takes on.</summary>
/// <param name="Deliveries">Each is this replica's until its lease ends.</param>
/// <param name="Users">Whose deliveries were looked at, in the order of their ids.</param>
/// <param name="HasMore">Whether there may be users after the last one.</param>
internal sealed record Claim(IReadOnlyList<Delivery> Deliveries, IReadOnlyList<ClaimedUser> Users, bool HasMore);

/// <summary>A user whose deliveries were looked at.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Available">How many attempts more the user could have.</param>
/// <param name="LastHost">The last of the user's hosts that was looked at; null if none was.</param>
/// <param name="HasMore">Whether the user may have hosts after that.</param>
internal readonly record struct ClaimedUser(Guid UserId, int Available, string? LastHost, bool HasMore);

/// <summary>The statements that move deliveries on. Replicas share the work by skipping each other's rows.</summary>
internal sealed class DeliveryStore(NpgsqlDataSource database, IOptions<WebhookOptions> options)
{
    private const int UsersPerClaim = 64;
    private const int HostsPerUser = 32;
    private const int UserColumns = 4;
    private const int OwnColumns = UserColumns + 11;

    // Goes from user to user by the index, and from host to host of each, and takes a few of each: neither a million deliveries to a host
    // that hangs nor ten thousand hosts of one user nor what is not due yet is ever read through, and no user and no host comes twice
    // before the others were looked at. Of each user one delivery is taken before a second of anyone is. A delivery whose ticket has an
    // earlier one pending is put off until that is tried again. The claim is due_at itself: moved on, it is the lease.
    private const string ClaimSql =
        $"""
        with recursive turns (user_id, place) as (
            (select user_id, 1 from webhook_deliveries where due_at is not null and user_id > $1 order by user_id limit 1)
            union all
            select (
                select d.user_id from webhook_deliveries d where d.due_at is not null and d.user_id > u.user_id order by d.user_id limit 1),
                u.place + 1
            from turns u where u.user_id is not null and u.place < $2),
        busy as (select user_id, host from unnest($6, $7) b (user_id, host)),
        shares as (
            select u.user_id, u.place, coalesce(r.host, '') as after_host,
                greatest($8 - (select count(*) from busy b where b.user_id = u.user_id), 0)::int as available
            from turns u left join unnest($4, $5) r (user_id, host) on r.user_id = u.user_id
            where u.user_id is not null),
        walked as (
            select s.user_id, s.available, h.host, h.place
            from shares s cross join lateral (
                with recursive hosts (host, place) as (
                    (select d.host, 1 from webhook_deliveries d
                    where d.due_at is not null and d.user_id = s.user_id and d.host > s.after_host order by d.host limit 1)
                    union all
                    select (
                        select d.host from webhook_deliveries d
                        where d.due_at is not null and d.user_id = s.user_id and d.host > h.host order by d.host limit 1),
                        h.place + 1
                    from hosts h where h.host is not null and h.place < $3)
                select host, place from hosts where host is not null) h
            where s.available > 0),
        ends as (
            select user_id, (array_agg(host order by place desc))[1] as host, max(place) = $3 as has_more from walked group by user_id),
        due as (
            select w.user_id, w.available, w.place, d.delivery_id, d.place as at_host,
                -- Users take turns at a host that they have in common: who has less in progress there, then whose delivery is older.
                (select count(*) from busy b where b.host = w.host) + row_number() over (
                    partition by w.host
                    order by d.place + (select count(*) from busy b where b.user_id = w.user_id and b.host = w.host), d.due_at, w.user_id
                ) as of_host
            from walked w cross join lateral (
                select q.delivery_id, q.due_at, row_number() over (order by q.due_at) as place
                from webhook_deliveries q
                where q.due_at is not null and q.user_id = w.user_id and q.host = w.host and q.due_at <= now()
                order by q.due_at limit $9) d),
        candidates as (
            select delivery_id from (
                select user_id, available, delivery_id, row_number() over (partition by user_id order by place, at_host) as of_user
                from due where of_host <= $9) d
            where of_user <= available order by of_user, user_id limit $10),
        mine as (
            select d.delivery_id, (
                select min(e.due_at) from webhook_deliveries e
                where e.ticket_id = d.ticket_id and e.sequence < d.sequence and e.due_at is not null) as after
            from candidates c join webhook_deliveries d on d.delivery_id = c.delivery_id
            where d.due_at <= now() for update of d skip locked),
        moved as (
            update webhook_deliveries d set
                due_at = case when m.after is null then now() + $11 else greatest(m.after, now()) + interval '100 ms' end,
                attempts = least(d.attempts + (m.after is null)::int, 32767),
                tries = least(d.tries + (m.after is null)::int, 32767)
            from mine m where d.delivery_id = m.delivery_id
            returning d.*, m.after)
        select {TicketRecord.Columns}, s.user_id, s.available, e.host, coalesce(e.has_more, false),
            m.delivery_id, m.host, w.webhook_url, m.event, m.time_created,
            not jsonb_exists(m.ticket, 'response'), m.attempts, m.tries,
            exists (select from webhook_endpoints_off o where o.user_id = m.user_id and o.url = w.webhook_url)
                or exists (select from users u where u.user_id = m.user_id and u.time_erased is not null), w.trace_parent,
            t.webhook_form
        from shares s
        left join ends e on e.user_id = s.user_id
        left join moved m on m.user_id = s.user_id and m.after is null
        left join tickets w on w.ticket_id = m.ticket_id
        left join lateral jsonb_populate_record(null::tickets, m.ticket) t on true
        order by s.place, m.host
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

    private const string SwitchOffSql =
        "insert into webhook_endpoints_off (user_id, url) "
            + "select user_id, $2 from users where user_id = $1 and time_erased is null on conflict do nothing";

    private const string PurgeSql =
        """
        delete from webhook_deliveries where delivery_id = any(array(
            select delivery_id from webhook_deliveries where time_ended < now() - $2 order by time_ended limit $1 for update skip locked))
        """;

    /// <summary>Takes deliveries that are due, in the order of their users and of the hosts of each.</summary>
    /// <param name="afterUser">Where the last claim ended.</param>
    /// <param name="afterHosts">Where it ended with users of whom it did not look at all hosts.</param>
    /// <param name="limit">How many at most.</param>
    /// <param name="maxPerUser">How many attempts of one user may be in progress.</param>
    /// <param name="busy">Whose attempts are in progress to which host.</param>
    /// <param name="cancellationToken">Ends the claim.</param>
    public async Task<Claim> ClaimAsync(
        Guid afterUser,
        IReadOnlyDictionary<Guid, string> afterHosts,
        int limit,
        int maxPerUser,
        IReadOnlyCollection<(Guid UserId, string Host)> busy,
        CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            ClaimSql,
            Value(afterUser), Value(UsersPerClaim), Value(HostsPerUser),
            Value(afterHosts.Keys.ToArray()), Value(afterHosts.Values.ToArray()),
            Value(busy.Select(attempt => attempt.UserId).ToArray()), Value(busy.Select(attempt => attempt.Host).ToArray()),
            Value(maxPerUser), Value(options.Value.MaxConcurrencyPerHost), Value(limit), Value(options.Value.Lease));
        List<Delivery> deliveries = [];
        List<ClaimedUser> users = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var own = reader.FieldCount - OwnColumns;
            ClaimedUser user = new(
                reader.GetGuid(own), reader.GetInt32(own + 1), reader.Text(own + 2),
                reader.GetBoolean(own + 3));
            if (users.Count == 0 || users[^1].UserId != user.UserId)
            {
                users.Add(user);
            }

            if (!reader.IsDBNull(own + UserColumns))
            {
                deliveries.Add(Read(reader, own + UserColumns));
            }
        }

        return new(deliveries, users, HasMore: users.Count == UsersPerClaim);
    }

    /// <summary>
    /// Writes down how an attempt went, and what follows: the next one after <paramref name="pause"/>, or the end as delivered or dead.
    /// </summary>
    public async Task CompleteAsync(Delivery delivery, AttemptResult result, TimeSpan? pause, CancellationToken cancellationToken)
    {
        var outcome = result.IsSuccess ? "delivered" : pause is null ? "dead" : null;
        await using var command = database.CreateCommand(
            CompleteSql,
            Value(delivery.Id), Value(delivery.Attempt), Value(outcome),
            Value(pause ?? TimeSpan.Zero), Value((int)result.Duration.TotalMilliseconds),
            Value((short?)result.StatusCode), Value(result.Error));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Notes that the receiver wants no more from this user.</summary>
    public async Task SwitchOffAsync(Guid userId, Uri url, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(SwitchOffSql, Value(userId), Value(url.AbsoluteUri));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Deliveries that ended long ago go, and their attempts with them.</summary>
    public static Expiry Expiry(WebhookOptions options) => new(
        "removal of old webhook deliveries", TimeSpan.FromMinutes(10), new ExpiryStatement(PurgeSql, () => Value(options.Retention)));

    private static Delivery Read(NpgsqlDataReader reader, int own) => new(
        reader.GetGuid(own), reader.GetString(own + 1), new Uri(reader.GetString(own + 2)),
        reader.GetString(own + 3), reader.GetDateTime(own + 4),
        TicketRecord.Read(reader), reader.GetBoolean(own + 5), reader.GetInt16(own + 6), reader.GetInt16(own + 7),
        reader.GetBoolean(own + 8), reader.Text(own + 9),
        reader.Text(own + 10));
}

/// <summary>One event on its way to its receiver, claimed by this replica.</summary>
/// <param name="Id">The same for every attempt.</param>
/// <param name="Host">Where it goes, with the port if there is one.</param>
/// <param name="Url">Where it goes.</param>
/// <param name="Event">Which event.</param>
/// <param name="Created">When the event happened.</param>
/// <param name="Ticket">The ticket as the event left it.</param>
/// <param name="Truncated">Its input and response are too large to send, and left out.</param>
/// <param name="Attempt">The number of this attempt, from 1: what tells it from one that counted as lost.</param>
/// <param name="Try">Its place in the schedule, from 1.</param>
/// <param name="EndpointIsOff">The receiver does not want to be asked any more, or the user is erased.</param>
/// <param name="TraceParent">The span of the request that made the ticket; null if it is not traced.</param>
/// <param name="Form">How the body is written, as in <see cref="Tickets.Webhook"/>.</param>
internal sealed record Delivery(
    Guid Id, string Host, Uri Url, string Event, DateTime Created, TicketRecord Ticket, bool Truncated,
    short Attempt, short Try, bool EndpointIsOff, string? TraceParent = null, string? Form = null)
{
    private const string MessagePrefix = "msg_";

    /// <summary>The value of <c>webhook-id</c>.</summary>
    public string MessageId => MessageIdOf(Id);

    public static string MessageIdOf(Guid id) => $"{MessagePrefix}{id:N}";

    /// <summary>Reads what <see cref="MessageIdOf"/> wrote.</summary>
    public static bool TryParseMessageId(string text, out Guid id)
    {
        id = default;
        return text.StartsWith(MessagePrefix, StringComparison.Ordinal)
            && Guid.TryParseExact(text.AsSpan(MessagePrefix.Length), "N", out id);
    }
}

/// <summary>How an attempt went.</summary>
/// <param name="StatusCode">What the receiver answered; null if it did not.</param>
/// <param name="Error">A word for what went wrong where nothing was answered; null otherwise.</param>
/// <param name="Duration">How long it took.</param>
/// <param name="RetryAfter">What the receiver asked to wait.</param>
internal sealed record AttemptResult(int? StatusCode, string? Error, TimeSpan Duration, TimeSpan? RetryAfter = null)
{
    public bool IsSuccess => StatusCode is >= 200 and <= 299;

    /// <summary>The receiver wants no more.</summary>
    public bool IsGone => StatusCode == StatusCodes.Status410Gone;
}

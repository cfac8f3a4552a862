using Npgsql;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Webhooks;

/// <summary>How a replay was answered.</summary>
internal enum ReplayOutcome
{
    Done,
    NotFound,

    /// <summary>It has not ended: it will be tried anyway.</summary>
    Pending,

    /// <summary>It has had as many attempts as there may be.</summary>
    Exhausted,
}

/// <summary>What users see of their deliveries, and what they can do about them.</summary>
internal sealed class DeliveryLog(NpgsqlDataSource database)
{
    private const int MaxDeliveries = 100;
    private const int MaxAttempts = 20;
    private const int MaxAttemptsEver = 1000;

    private const string Columns =
        "d.delivery_id, d.ticket_id, d.event, t.webhook_url, d.outcome, d.time_created, d.due_at, d.attempts, d.sequence";

    private const string OfTicketSql =
        $"select {Columns} from webhook_deliveries d join tickets t on t.ticket_id = d.ticket_id "
            + "where d.ticket_id = $1 order by d.sequence desc limit $2";

    private const string DeadSql =
        $"""
        select {Columns} from webhook_deliveries d join tickets t on t.ticket_id = d.ticket_id
        where d.user_id = $1 and d.outcome = 'dead' and d.sequence < $3 order by d.sequence desc limit $2
        """;

    private const string AttemptsSql =
        """
        select d.delivery_id, a.attempt, a.time_ended, a.duration_ms, a.status_code, a.error
        from unnest($1) d (delivery_id)
        cross join lateral (select * from webhook_attempts where delivery_id = d.delivery_id order by attempt desc limit $2) a
        order by a.attempt desc
        """;

    private const string ReplaySql =
        """
        with found as (select delivery_id, outcome, attempts from webhook_deliveries where delivery_id = $1 and ticket_id = $2 for update),
        replayed as (
            update webhook_deliveries d set outcome = null, time_ended = null, due_at = now(), tries = 0
            from found f where d.delivery_id = f.delivery_id and f.outcome is not null and f.attempts < $3)
        select outcome is null, attempts >= $3 from found
        """;

    private const string OffSql = "select url, time_off from webhook_endpoints_off where user_id = $1 order by time_off desc limit $2";

    private const string SwitchOnSql = "delete from webhook_endpoints_off where user_id = $1 and url = $2";

    /// <summary>The latest deliveries of a ticket, newest first.</summary>
    public async Task<IReadOnlyList<WebhookDelivery>> OfTicketAsync(Guid ticketId, CancellationToken cancellationToken) =>
        [.. (await ReadAsync(OfTicketSql, [Value(ticketId), Value(MaxDeliveries)], cancellationToken)).Select(found => found.Delivery)];

    /// <summary>A page of a user's deliveries that were given up, newest first, and where the next page begins.</summary>
    public async Task<(IReadOnlyList<WebhookDelivery> Page, long? Next)> DeadAsync(
        Guid userId, int limit, long before, CancellationToken cancellationToken)
    {
        // One more than the page holds says whether there is a next one.
        var found = await ReadAsync(DeadSql, [Value(userId), Value(limit + 1), Value(before)], cancellationToken);
        return ([.. found.Take(limit).Select(delivery => delivery.Delivery)], found.Count > limit ? found[limit - 1].Sequence : null);
    }

    /// <summary>Sends a delivery that has ended again, from the start of the schedule.</summary>
    public async Task<ReplayOutcome> ReplayAsync(Guid ticketId, Guid deliveryId, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(ReplaySql, Value(deliveryId), Value(ticketId), Value(MaxAttemptsEver));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return !await reader.ReadAsync(cancellationToken) ? ReplayOutcome.NotFound
            : reader.GetBoolean(0) ? ReplayOutcome.Pending
            : reader.GetBoolean(1) ? ReplayOutcome.Exhausted
            : ReplayOutcome.Done;
    }

    /// <summary>The user's endpoints that answered 410, the latest first.</summary>
    public async Task<IReadOnlyList<DisabledEndpoint>> OffAsync(Guid userId, CancellationToken cancellationToken)
    {
        List<DisabledEndpoint> off = [];
        await using var command = database.CreateCommand(OffSql, Value(userId), Value(MaxDeliveries));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            off.Add(new(new Uri(reader.GetString(0)), reader.GetDateTime(1)));
        }

        return off;
    }

    /// <summary>Lets deliveries go to an endpoint again.</summary>
    /// <returns>Whether it was off.</returns>
    public async Task<bool> SwitchOnAsync(Guid userId, string url, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(SwitchOnSql, Value(userId), Value(url));
        return await command.ExecuteNonQueryAsync(cancellationToken) > 0;
    }

    private async Task<List<(WebhookDelivery Delivery, long Sequence)>> ReadAsync(
        string sql, NpgsqlParameter[] parameters, CancellationToken cancellationToken)
    {
        List<(Guid Id, WebhookDelivery Delivery, long Sequence)> found = [];
        await using (var command = database.CreateCommand(sql, parameters))
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                found.Add((reader.GetGuid(0), ReadDelivery(reader), reader.GetInt64(8)));
            }
        }

        var attempts = await ReadAttemptsAsync([.. found.Select(delivery => delivery.Id)], cancellationToken);
        return found.ConvertAll(delivery => (delivery.Delivery with { Attempts = [.. attempts[delivery.Id]] }, delivery.Sequence));
    }

    private static WebhookDelivery ReadDelivery(NpgsqlDataReader reader) => new()
    {
        Id = Delivery.MessageIdOf(reader.GetGuid(0)),
        TicketId = reader.GetGuid(1),
        Type = reader.GetString(2),
        Url = new Uri(reader.GetString(3)),
        Status = reader.Text(4) ?? "pending",
        CreatedAt = reader.GetDateTime(5),
        NextAttemptAt = reader.Time(6),
        AttemptCount = reader.GetInt16(7),
        Attempts = [],
    };

    private async Task<ILookup<Guid, WebhookAttempt>> ReadAttemptsAsync(Guid[] deliveries, CancellationToken cancellationToken)
    {
        List<(Guid Delivery, WebhookAttempt Attempt)> attempts = [];
        await using var command = database.CreateCommand(AttemptsSql, Value(deliveries), Value(MaxAttempts));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            attempts.Add((reader.GetGuid(0), new(
                reader.GetInt16(1), reader.GetDateTime(2), reader.GetInt32(3),
                reader.IsDBNull(4) ? null : reader.GetInt16(4), reader.Text(5))));
        }

        return attempts.ToLookup(attempt => attempt.Delivery, attempt => attempt.Attempt);
    }
}

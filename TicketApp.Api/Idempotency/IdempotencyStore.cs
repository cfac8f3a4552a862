using Npgsql;
using TicketApp.Api.Database;
using TicketApp.Api.Telemetry;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Idempotency;

/// <summary>A ticket that was made under a key, and the hash of the body that made it.</summary>
internal sealed record KeyedTicket(TicketRow Ticket, byte[] BodyHash);

/// <summary>Looks up keys that were used before, many a statement. They are stored together with their tickets.</summary>
internal sealed class IdempotencyStore(NpgsqlDataSource database, TicketMetrics metrics) : Batcher<(Guid UserId, string Key), KeyedTicket?>(database, metrics, largestBatch: 200, capacity: 10_000)
{
    private const string FindSql =
        $"""
        select {TicketRow.Columns}, k.body_hash, k.key
        from unnest($1, $2) w (user_id, key)
        join idempotency_keys k on k.user_id = w.user_id and k.key = w.key join tickets t on t.ticket_id = k.ticket_id
        """;

    // Ids are in the order of time.
    private const string ForgetSql =
        """
        delete from idempotency_keys where ctid = any(array(
            select ctid from idempotency_keys where ticket_id < $1 order by ticket_id limit $2))
        """;

    protected override string Work => "find idempotency keys";

    protected override bool IsRepeatable => true;

    /// <summary>Forgets keys of tickets with ids before <paramref name="first"/>, up to <paramref name="most"/>.</summary>
    /// <returns>How many.</returns>
    public async Task<int> ForgetAsync(Guid first, int most, CancellationToken cancellationToken)
    {
        await using var command = Database.CreateCommand(ForgetSql);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = first });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    protected override async Task<IReadOnlyList<KeyedTicket?>> ServeAsync(IReadOnlyList<(Guid UserId, string Key)> items)
    {
        var wanted = items.Distinct().ToArray();
        Dictionary<(Guid, string), KeyedTicket> found = new(wanted.Length);
        await using var command = Database.CreateCommand(FindSql);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = Array.ConvertAll(wanted, item => item.UserId) });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = Array.ConvertAll(wanted, item => item.Key) });
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var row = TicketRow.Read(reader);
            found[(row.UserId, reader.GetString(TicketRow.ColumnCount + 1))] = new(row, reader.GetFieldValue<byte[]>(TicketRow.ColumnCount));
        }

        return [.. items.Select(found.GetValueOrDefault)];
    }
}

using Npgsql;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Idempotency;

/// <summary>Looks up keys that were used before. They are stored together with their tickets.</summary>
internal sealed class IdempotencyStore(NpgsqlDataSource database)
{
    private const string FindSql =
        $"""
        select {TicketRow.Columns}, k.body_hash
        from idempotency_keys k join tickets t on t.ticket_id = k.ticket_id
        where k.user_id = $1 and k.key = $2
        """;

    // Ids are in the order of time.
    private const string ForgetSql =
        """
        delete from idempotency_keys where ctid = any(array(
            select ctid from idempotency_keys where ticket_id < $1 order by ticket_id limit 1000))
        """;

    /// <summary>The ticket that was made under the key, and the hash of the body that made it.</summary>
    public async Task<(TicketRow Ticket, byte[] BodyHash)?> FindAsync(Guid userId, string key, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(FindSql);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (TicketRow.Read(reader), reader.GetFieldValue<byte[]>(TicketRow.ColumnCount)) : null;
    }

    /// <summary>Forgets keys of tickets with ids before <paramref name="first"/>, a bounded number.</summary>
    /// <returns>How many.</returns>
    public async Task<int> ForgetAsync(Guid first, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(ForgetSql);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = first });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

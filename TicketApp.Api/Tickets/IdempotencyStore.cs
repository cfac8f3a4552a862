using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;
using Npgsql;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Tickets;

/// <summary>A ticket that was made under a key, and the hash of the body that made it.</summary>
internal sealed record KeyedTicket(Bounded<TicketRecord> Ticket, byte[] BodyHash);

/// <summary>Looks up keys that were used before, many a statement. They are stored together with their tickets.</summary>
internal sealed class IdempotencyStore(
    NpgsqlDataSource database, TicketMetrics metrics, LoopProgress progress, ILogger<IdempotencyStore> logger)
    : Batcher<(Guid UserId, string Key), KeyedTicket?>(
        "find idempotency keys", database, metrics, progress, logger, maxBatch: 200, capacity: 10_000)
{
    private const string FindSql =
        $"""
        select {TicketRecord.Columns}, k.body_hash, k.key
        from unnest($1, $2) w (user_id, key)
        join idempotency_keys k on k.user_id = w.user_id and k.key = w.key join tickets t on t.ticket_id = k.ticket_id
        """;

    private const string UsedSql =
        "select k.user_id, k.key from unnest($1, $2) w (user_id, key) join idempotency_keys k on k.user_id = w.user_id and k.key = w.key";

    // Ids are in the order of time. A key that the removal of its ticket has locked is left to that.
    private const string ForgetSql =
        """
        delete from idempotency_keys where ctid = any(array(
            select ctid from idempotency_keys where ticket_id < $2 order by ticket_id limit $1 for update skip locked))
        """;

    protected override bool IsRepeatable => true;

    /// <summary>Keys whose time is over are forgotten.</summary>
    public static Expiry Expiry(TicketOptions options) => new(
        "forgetting of idempotency keys",
        TimeSpan.FromMinutes(1),
        new ExpiryStatement(ForgetSql, () => Value(TicketIds.FirstAt(DateTimeOffset.UtcNow - options.IdempotencyKeyLifetime))));

    /// <summary>Those of <paramref name="keys"/> that stand for a ticket already.</summary>
    public static async Task<HashSet<(Guid UserId, string Key)>> UsedAsync(
        NpgsqlConnection connection, IReadOnlyCollection<(Guid UserId, string Key)> keys)
    {
        HashSet<(Guid, string)> used = [];
        if (keys.Count > 0)
        {
            await using var command = connection.CreateCommand(UsedSql, Column(keys, key => key.UserId), Column(keys, key => key.Key));
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                used.Add((reader.GetGuid(0), reader.GetString(1)));
            }
        }

        return used;
    }

    protected override async Task<IReadOnlyList<KeyedTicket?>> ExecuteBatchAsync(IReadOnlyList<(Guid UserId, string Key)> items)
    {
        var wanted = items.Distinct().ToArray();
        Dictionary<(Guid, string), KeyedTicket> found = new(wanted.Length);
        ReadBudget budget = new();
        await using var command = Database.CreateCommand(FindSql, Column(wanted, key => key.UserId), Column(wanted, key => key.Key));
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            found[(reader.GetGuid(1), reader.GetString(TicketRecord.ColumnCount + 1))] =
                new(budget.Read(reader, TicketRecord.Read), reader.GetFieldValue<byte[]>(TicketRecord.ColumnCount));
        }

        if (budget.IsSpent)
        {
            Shrink(items.Count);
        }

        return [.. items.Select(found.GetValueOrDefault)];
    }
}

/// <summary>By what a repeated submission is known: the key that the caller chose, and what it stands for.</summary>
/// <param name="Key">The caller's key.</param>
/// <param name="BodyHash">SHA-256 of the request's body.</param>
internal sealed record IdempotencyKey(string Key, byte[] BodyHash)
{
    /// <summary>SHA-256 of the key.</summary>
    public byte[] KeyHash => SHA256.HashData(Encoding.ASCII.GetBytes(Key));

    /// <summary>Reads the header.</summary>
    /// <returns>Neither, where there is no such header.</returns>
    public static (IdempotencyKey? Key, Problem? Problem) Read(StringValues header, ReadOnlySpan<byte> body)
    {
        var (key, problem) = IdempotencyHeader.Read(header);
        return (key is null ? null : new(key, SHA256.HashData(body)), problem);
    }

    /// <summary>The key of one ticket of a batch that carries this one. No caller's key has a space in it.</summary>
    public IdempotencyKey OfItem(int index, ReadOnlySpan<byte> body) => new($"{Key} {index}", SHA256.HashData(body));
}

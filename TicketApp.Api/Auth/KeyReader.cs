using System.Security.Cryptography;
using Microsoft.Extensions.Caching.Memory;
using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Auth;

/// <summary>
/// Says whose a key is. Found ones are remembered for a few seconds, in bounded memory: a call costs no look-up, and a
/// revoked key is refused by every replica soon. Those that are not remembered are looked up together, many a statement.
/// </summary>
internal sealed class KeyReader(NpgsqlDataSource database, TicketMetrics metrics, LoopProgress progress, ILogger<KeyReader> logger)
    : Batcher<ApiKey, KeyOwner?>("find keys", database, metrics, progress, logger, maxBatch: 500, capacity: 10_000)
{
    private const int MaxRemembered = 20_000;
    private static readonly TimeSpan _rememberedFor = TimeSpan.FromSeconds(3);

    // SKIP LOCKED: replicas that see a key at the same time need not both write down that it is used.
    private const string Sql =
        """
        with stale as (
            select k.prefix from unnest($1, $2) sent (prefix, hash) join api_keys k on k.prefix = sent.prefix and k.hash = sent.hash
            where k.time_revoked is null and k.time_last_used is distinct from date_trunc('hour', now())
            for update of k skip locked),
        used as (
            update api_keys k set time_last_used = date_trunc('hour', now()) from stale where k.prefix = stale.prefix)
        select prefix, hash, user_id from api_keys where prefix = any($1) and time_revoked is null
        """;

    private readonly MemoryCache _remembered = new(new MemoryCacheOptions { SizeLimit = MaxRemembered, CompactionPercentage = 0.2 });

    /// <summary>Whose key that is; null if it is nobody's, or was revoked.</summary>
    public async ValueTask<Guid?> FindAsync(ApiKey key)
    {
        var owner = _remembered.Get<KeyOwner>(key.Prefix) ?? await SubmitAsync(key);
        // One way for what was remembered and what was found: the prefix is no secret, the hash decides.
        return owner is not null && CryptographicOperations.FixedTimeEquals(owner.Hash, key.Hash) ? owner.UserId : null;
    }

    /// <summary>Forgets a key at once that this replica has revoked.</summary>
    public void Forget(string prefix) => _remembered.Remove(prefix);

    public override void Dispose()
    {
        _remembered.Dispose();
        base.Dispose();
    }

    protected override bool IsRepeatable => true;

    protected override async Task<IReadOnlyList<KeyOwner?>> ExecuteBatchAsync(IReadOnlyList<ApiKey> items)
    {
        Dictionary<string, KeyOwner> found = new(items.Count);
        await using var command = Database.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. items.Select(key => key.Prefix)] });
        command.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = [.. items.Select(key => key.Hash)] });
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            KeyOwner owner = new(reader.GetFieldValue<byte[]>(1), reader.GetGuid(2));
            found[reader.GetString(0)] = owner;
            _remembered.Set(
                reader.GetString(0),
                owner,
                new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = _rememberedFor });
        }

        return [.. items.Select(key => found.GetValueOrDefault(key.Prefix))];
    }
}

/// <summary>A stored key, as far as is needed to judge a sent one.</summary>
/// <param name="Hash">SHA-256 of the whole key.</param>
/// <param name="UserId">Whose it is.</param>
internal sealed record KeyOwner(byte[] Hash, Guid UserId);

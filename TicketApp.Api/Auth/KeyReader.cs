using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Extensions.Caching.Memory;
using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Auth;

/// <summary>
/// Says whose a key is. Found ones hold for a few seconds, in bounded memory: a call costs no look-up, and a revoked key is refused by
/// every replica soon. The others are looked up together, many a statement. Which keys were good lately is remembered for longer.
/// </summary>
internal sealed class KeyReader(NpgsqlDataSource database, TicketMetrics metrics, LoopProgress progress, ILogger<KeyReader> logger)
    : Batcher<ApiKey, KeyOwner?>("find keys", database, metrics, progress, logger, maxBatch: 500, capacity: 10_000)
{
    private const int MaxRemembered = 20_000;
    private static readonly TimeSpan _holdsFor = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan _knownFor = TimeSpan.FromMinutes(10);

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

    /// <summary>Whether the key was good when it was last looked up here, some minutes ago at most.</summary>
    public bool IsKnown(ApiKey key) => _remembered.Get<KeyOwner>(key.Prefix)?.Owns(key) is true;

    /// <summary>Whose key that is; null if it is nobody's, or was revoked.</summary>
    public async ValueTask<Guid?> FindAsync(ApiKey key)
    {
        var owner = _remembered.Get<KeyOwner>(key.Prefix) is { } known && Stopwatch.GetElapsedTime(known.Found) < _holdsFor
            ? known
            : await SubmitAsync(key);
        // One way for what was remembered and what was found: the prefix is no secret, the hash decides.
        return owner?.Owns(key) is true ? owner.UserId : null;
    }

    /// <summary>
    /// Whether the key of a call that takes long is still good; seconds after it was revoked it is not. While the database cannot say, it
    /// is: then there is nothing to tell anyway.
    /// </summary>
    public async ValueTask<bool> IsGoodAsync(Caller caller)
    {
        try
        {
            return caller.Key is not { } key || await FindAsync(key) is not null;
        }
        catch (Exception exception) when (exception is OverloadedException || DatabaseErrors.IsUnavailable(exception))
        {
            return true;
        }
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
        await FindAsync(items, found);
        ApiKey[] others = [.. items.Where(key => !found.ContainsKey(key.Prefix))];
        if (others.Length > 0)
        {
            // Of those who signed up and come for the first time. Asked for again in any case: another replica may have been quicker.
            await using var use = Command(SignUps.UseKeysSql, others);
            await use.ExecuteNonQueryAsync();
            await FindAsync(others, found);
        }

        foreach (var key in items.Where(key => !found.ContainsKey(key.Prefix)))
        {
            Forget(key.Prefix);
        }

        return [.. items.Select(key => found.GetValueOrDefault(key.Prefix))];
    }

    private async Task FindAsync(IReadOnlyList<ApiKey> keys, Dictionary<string, KeyOwner> found)
    {
        await using var command = Command(Sql, keys);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            KeyOwner owner = new(reader.GetFieldValue<byte[]>(1), reader.GetGuid(2), Stopwatch.GetTimestamp());
            found[reader.GetString(0)] = owner;
            _remembered.Set(
                reader.GetString(0),
                owner,
                new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = _knownFor });
        }
    }

    private NpgsqlCommand Command(string sql, IReadOnlyList<ApiKey> keys) =>
        Database.CreateCommand(sql, Column(keys, key => key.Prefix), Column(keys, key => key.Hash));
}

/// <summary>A stored key, as far as is needed to judge a sent one.</summary>
/// <param name="Hash">SHA-256 of the whole key.</param>
/// <param name="UserId">Whose it is.</param>
/// <param name="Found">When it was looked up.</param>
internal sealed record KeyOwner(byte[] Hash, Guid UserId, long Found)
{
    public bool Owns(ApiKey key) => CryptographicOperations.FixedTimeEquals(Hash, key.Hash);
}

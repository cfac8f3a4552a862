using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Auth;

/// <summary>
/// Stores new users, many a statement, each with its first key where keys are wanted; apart those who sign up themselves, until they use
/// it. What is made under an idempotency key follows from that: the same for each repetition, and kept nowhere else.
/// </summary>
internal sealed class UserCreator(
    NpgsqlDataSource database, TicketMetrics metrics, LoopProgress progress, ILogger<UserCreator> logger, IOptions<AccessOptions> access,
    CursorSeal seal)
    : Batcher<NewUser, StoredUser>("store users", database, metrics, progress, logger, maxBatch: 500, capacity: 10_000)
{
    private const string StoreSql =
        "insert into users (user_id) select unnest($1) on conflict on constraint users_pk do nothing returning user_id";

    // Who is there has a key, or is erased and gets none again.
    private const string StoreWithKeysSql =
        $"""
        with new as ({StoreSql}),
        keys as (
            insert into api_keys (user_id, prefix, hash)
            select w.* from unnest($1, $2, $3) w (user_id, prefix, hash) join new on new.user_id = w.user_id on conflict do nothing)
        select user_id from new
        """;

    // The key finds them, before its first use and after: their ids are in the order of time, and follow from nothing.
    private const string FindSql =
        """
        select prefix, user_id from sign_ups where prefix = any($1)
        union all select prefix, user_id from api_keys where prefix = any($1)
        """;

    /// <summary>Stores a user for <paramref name="caller"/>, or finds the one that was made under the same idempotency key.</summary>
    /// <param name="caller">Who creates it.</param>
    /// <param name="idempotencyKey">What this and its repetitions have in common, and no other request; null: nothing.</param>
    /// <returns>The user, and whether an earlier request had made it.</returns>
    public async Task<(UserCreated User, bool IsReplayed)> CreateAsync(Caller caller, string? idempotencyKey = null)
    {
        var isSignUp = !caller.MayActForAll;
        var userId = idempotencyKey is null || isSignUp ? Guid.CreateVersion7() : IdOf(seal.Derive("user id", idempotencyKey, 16));
        (ApiKey? key, string? text) = !access.Value.RequiresKeys ? (null, null)
            : idempotencyKey is null ? ApiKey.Create()
            : ApiKey.Create(seal.Derive("user key", idempotencyKey, ApiKey.SeedBytes));
        var stored = await SubmitAsync(new(userId, key, isSignUp, MayBeThere: idempotencyKey is not null));
        return (new(stored.UserId, text), stored.IsReplayed);
    }

    protected override bool Lingers => true;

    // No other request uses what the first try may have stored, or it is a repetition.
    protected override bool IsRepeatable => true;

    protected override async Task<IReadOnlyList<StoredUser>> ExecuteBatchAsync(IReadOnlyList<NewUser> items)
    {
        await using var batch = Database.CreateBatch();
        NewUser[] users = [.. items.Where(user => !user.IsSignUp)];
        if (users.Length > 0)
        {
            if (access.Value.RequiresKeys)
            {
                AddWithKeys(batch, StoreWithKeysSql, users);
            }
            else
            {
                batch.Add(StoreSql, Column(users, user => user.UserId));
            }
        }

        if (items.Any(user => user.IsSignUp))
        {
            AddWithKeys(batch, SignUps.InsertSql, [.. items.Where(user => user.IsSignUp)]);
        }

        NewUser[] signUps = [.. items.Where(user => user is { IsSignUp: true, MayBeThere: true })];
        if (signUps.Length > 0)
        {
            batch.Add(FindSql, Column(signUps, user => user.Key!.Prefix));
        }

        HashSet<Guid> made = [];
        Dictionary<string, Guid> found = [];
        await using var reader = await batch.ExecuteReaderAsync();
        do
        {
            while (await reader.ReadAsync())
            {
                if (reader.FieldCount == 1)
                {
                    made.Add(reader.GetGuid(0));
                }
                else
                {
                    found[reader.GetString(0)] = reader.GetGuid(1);
                }
            }
        }
        while (await reader.NextResultAsync());

        return [.. items.Select(user => user switch
        {
            { MayBeThere: false } => new(user.UserId, IsReplayed: false),
            // Of two in one batch, the first has made it.
            { IsSignUp: false } => new(user.UserId, IsReplayed: !made.Remove(user.UserId)),
            _ => found.TryGetValue(user.Key!.Prefix, out var owner)
                ? new StoredUser(owner, IsReplayed: owner != user.UserId)
                : new(user.UserId, IsReplayed: false),
        })];
    }

    /// <summary>A UUID of version 8: its bits are of its maker's choice.</summary>
    private static Guid IdOf(byte[] bytes)
    {
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new(bytes, bigEndian: true);
    }

    private static void AddWithKeys(NpgsqlBatch batch, string sql, NewUser[] users) => batch.Add(
        sql, Column(users, user => user.UserId), Column(users, user => user.Key!.Prefix), Column(users, user => user.Key!.Hash));
}

/// <summary>A user to store.</summary>
/// <param name="UserId">A new UUID of version 7, or the one that follows from the idempotency key.</param>
/// <param name="Key">The user's first key, where keys are wanted.</param>
/// <param name="IsSignUp">Whether a stranger made it, with a key.</param>
/// <param name="MayBeThere">Whether an earlier request under the same idempotency key may have stored it.</param>
internal sealed record NewUser(Guid UserId, ApiKey? Key, bool IsSignUp, bool MayBeThere);

/// <summary>A user that is stored.</summary>
/// <param name="UserId">Its id.</param>
/// <param name="IsReplayed">Whether an earlier request had stored it.</param>
internal readonly record struct StoredUser(Guid UserId, bool IsReplayed);

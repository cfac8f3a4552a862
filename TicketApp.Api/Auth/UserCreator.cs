using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Auth;

/// <summary>
/// Stores new users, many a statement, each with its first key where keys are wanted; apart those who sign up themselves, until they use
/// it.
/// </summary>
internal sealed class UserCreator(
    NpgsqlDataSource database, TicketMetrics metrics, LoopProgress progress, ILogger<UserCreator> logger, IOptions<AccessOptions> access)
    : Batcher<NewUser, bool>("store users", database, metrics, progress, logger, maxBatch: 500, capacity: 10_000)
{
    /// <summary>Stores a user for <paramref name="caller"/>.</summary>
    public async Task<UserCreated> CreateAsync(Caller caller)
    {
        var userId = Guid.CreateVersion7();
        (ApiKey? key, string? text) = access.Value.RequiresKeys ? ApiKey.Create() : (null, null);
        await SubmitAsync(new(userId, key, IsSignUp: !caller.MayActForAll));
        return new(userId, text);
    }

    protected override bool Lingers => true;

    // No other request uses what the first try may have stored.
    protected override bool IsRepeatable => true;

    protected override async Task<IReadOnlyList<bool>> ExecuteBatchAsync(IReadOnlyList<NewUser> items)
    {
        await using var batch = Database.CreateBatch();
        NewUser[] users = [.. items.Where(user => !user.IsSignUp)];
        if (users.Length > 0)
        {
            const string Sql = "insert into users (user_id) select unnest($1) on conflict on constraint users_pk do nothing";
            batch.BatchCommands.Add(new(Sql) { Parameters = { Ids(users) } });
            if (access.Value.RequiresKeys)
            {
                AddWithKeys("insert into api_keys (user_id, prefix, hash) select * from unnest($1, $2, $3) on conflict do nothing", users);
            }
        }

        if (users.Length < items.Count)
        {
            AddWithKeys(SignUpStore.InsertSql, [.. items.Where(user => user.IsSignUp)]);
        }

        await batch.ExecuteNonQueryAsync();
        return new bool[items.Count];

        void AddWithKeys(string sql, NewUser[] some) => batch.BatchCommands.Add(new(sql)
        {
            Parameters =
            {
                Ids(some),
                new NpgsqlParameter<string[]> { TypedValue = Array.ConvertAll(some, user => user.Key!.Prefix) },
                new NpgsqlParameter<byte[][]> { TypedValue = Array.ConvertAll(some, user => user.Key!.Hash) },
            },
        });
    }

    private static NpgsqlParameter<Guid[]> Ids(NewUser[] users) => new() { TypedValue = Array.ConvertAll(users, user => user.UserId) };
}

/// <summary>A user to store.</summary>
/// <param name="UserId">A new UUID of version 7.</param>
/// <param name="Key">The user's first key, where keys are wanted.</param>
/// <param name="IsSignUp">Whether a stranger made it, with a key.</param>
internal sealed record NewUser(Guid UserId, ApiKey? Key, bool IsSignUp);

using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Auth;

/// <summary>Stores new users, many a statement, each with its first key where keys are wanted.</summary>
internal sealed class UserCreator(
    NpgsqlDataSource database, TicketMetrics metrics, LoopProgress progress, ILogger<UserCreator> logger, IOptions<AccessOptions> access)
    : Batcher<NewUser, bool>("store users", database, metrics, progress, logger, maxBatch: 500, capacity: 10_000)
{
    /// <summary>Stores a user.</summary>
    public async Task<UserCreated> CreateAsync()
    {
        var userId = Guid.CreateVersion7();
        (ApiKey? key, string? text) = access.Value.RequiresKeys ? ApiKey.Create() : (null, null);
        await SubmitAsync(new(userId, key));
        return new(userId, text);
    }

    protected override bool Lingers => true;

    // No other request uses what the first try may have stored.
    protected override bool IsRepeatable => true;

    protected override async Task<IReadOnlyList<bool>> ExecuteBatchAsync(IReadOnlyList<NewUser> items)
    {
        NpgsqlParameter userIds = new NpgsqlParameter<Guid[]> { TypedValue = [.. items.Select(user => user.UserId)] };
        await using var batch = Database.CreateBatch();
        batch.BatchCommands.Add(new("insert into users (user_id) select unnest($1) on conflict on constraint users_pk do nothing")
        {
            Parameters = { userIds },
        });
        if (access.Value.RequiresKeys)
        {
            const string Sql = "insert into api_keys (user_id, prefix, hash) select * from unnest($1, $2, $3) on conflict do nothing";
            batch.BatchCommands.Add(new(Sql)
            {
                Parameters =
                {
                    userIds.Clone(),
                    new NpgsqlParameter<string[]> { TypedValue = [.. items.Select(user => user.Key!.Prefix)] },
                    new NpgsqlParameter<byte[][]> { TypedValue = [.. items.Select(user => user.Key!.Hash)] },
                },
            });
        }

        await batch.ExecuteNonQueryAsync();
        return new bool[items.Count];
    }
}

/// <summary>A user to store.</summary>
/// <param name="UserId">A new UUID of version 7.</param>
/// <param name="Key">The user's first key, where keys are wanted.</param>
internal sealed record NewUser(Guid UserId, ApiKey? Key);

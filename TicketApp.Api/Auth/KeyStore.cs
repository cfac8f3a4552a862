using Npgsql;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Auth;

/// <summary>What became of a request for a further key.</summary>
internal enum KeyCreation
{
    Created,
    NoSuchUser,
    TooMany,
}

/// <summary>A stored key, as its owner sees it.</summary>
/// <param name="Prefix">Its first characters: its name here, and what it is revoked by.</param>
/// <param name="CreatedAt">On the database's clock.</param>
/// <param name="LastUsedAt">The hour of its last use; null if it was never used.</param>
/// <param name="RevokedAt">Null while it is good.</param>
public sealed record KeyEntry(string Prefix, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt, DateTimeOffset? RevokedAt);

/// <summary>Keys in the database.</summary>
internal sealed class KeyStore(NpgsqlDataSource database)
{
    /// <summary>How many keys a user may have at once: one in use, one to change over to, some for separate programs.</summary>
    public const int MaxActive = 10;

    private const int MaxListed = 100;

    // The user's row is locked, so that calls that come together do not exceed the number.
    private const string LockSql = "select from users where user_id = $1 and time_erased is null for no key update";

    private const string CreateSql =
        """
        insert into api_keys (prefix, user_id, hash)
        select $2, $1, $3 where (select count(*) from api_keys where user_id = $1 and time_revoked is null) < $4
        """;

    private const string ListSql =
        """
        select prefix, time_created, time_last_used, time_revoked from api_keys where user_id = $1
        order by time_revoked is not null, time_created desc limit $2
        """;

    private const string RevokeSql =
        "update api_keys set time_revoked = coalesce(time_revoked, now()) where user_id = $1 and prefix = $2";

    /// <summary>Adds a key to a user's.</summary>
    public async Task<KeyCreation> CreateAsync(Guid userId, ApiKey key, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var user = connection.CreateCommand(LockSql, Value(userId));
        await using (var reader = await user.ExecuteReaderAsync(cancellationToken))
        {
            if (!reader.HasRows)
            {
                return KeyCreation.NoSuchUser;
            }
        }

        await using var create = connection.CreateCommand(
            CreateSql, Value(userId), Value(key.Prefix), Value(key.Hash), Value(MaxActive));
        var created = await create.ExecuteNonQueryAsync(cancellationToken) == 1;
        await transaction.CommitAsync(cancellationToken);
        return created ? KeyCreation.Created : KeyCreation.TooMany;
    }

    /// <summary>A user's keys: good ones first, then the youngest.</summary>
    public async Task<IReadOnlyList<KeyEntry>> ListAsync(Guid userId, CancellationToken cancellationToken)
    {
        List<KeyEntry> keys = [];
        await using var command = database.CreateCommand(ListSql, Value(userId), Value(MaxListed));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            keys.Add(new(reader.GetString(0), Time(reader, 1)!.Value, Time(reader, 2), Time(reader, 3)));
        }

        return keys;
    }

    /// <summary>Revokes a key for good; again does no harm.</summary>
    /// <returns>Whether the user has such a key.</returns>
    public async Task<bool> RevokeAsync(Guid userId, string prefix, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(RevokeSql, Value(userId), Value(prefix));
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    private static DateTimeOffset? Time(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);
}

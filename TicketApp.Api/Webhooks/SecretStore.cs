using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Npgsql;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Webhooks;

/// <summary>Users' signing secrets. Two are valid at most: the current one, and the one before it while they rotate.</summary>
internal sealed class SecretStore(NpgsqlDataSource database, SecretProtector seal, IOptions<WebhookOptions> options)
{
    // The user's row is locked, so that two rotations take turns; one that waits sees what the other has stored.
    private const string LockUserSql = "select 1 from users where user_id = $1 and time_erased is null for no key update";

    private const string RetireSql =
        """
        with gone as (delete from webhook_secrets where user_id = $1 and time_expires is not null)
        update webhook_secrets set time_expires = now() + $2 where user_id = $1 and time_expires is null
        returning time_expires
        """;

    private const string InsertSql =
        "insert into webhook_secrets (secret_id, user_id, secret) "
            + "select $1, user_id, $3 from users where user_id = $2 and time_erased is null "
            + "on conflict (user_id) where time_expires is null do nothing";

    private const string ValidSql =
        "select secret from webhook_secrets where user_id = $1 "
            + "and (time_expires is null or time_expires > now()) order by time_created desc";

    /// <summary>A new secret for the user, and until when the one before it signs too. Null if there is no such user.</summary>
    public async Task<(byte[] Secret, DateTime? PreviousExpires)?> RotateAsync(Guid userId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var user = connection.CreateCommand(LockUserSql, Value(userId)))
        {
            if (await user.ExecuteScalarAsync(cancellationToken) is null)
            {
                return null;
            }
        }

        await using var retire = connection.CreateCommand(RetireSql, Value(userId), Value(options.Value.SecretOverlap));
        var expires = (DateTime?)await retire.ExecuteScalarAsync(cancellationToken);
        var secret = await InsertAsync(connection, userId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (secret, expires);
    }

    /// <summary>
    /// The secrets that sign now, the newest first. A user who never asked for one gets one that nobody has seen; one who does not exist,
    /// or is erased, has none.
    /// </summary>
    /// <exception cref="CryptographicException">There are some, and none can be opened.</exception>
    public async Task<IReadOnlyList<byte[]>> ValidAsync(Guid userId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var secrets = await ReadAsync();
        if (secrets.Count == 0)
        {
            await InsertAsync(connection, userId, cancellationToken);
            secrets = await ReadAsync();
        }

        return secrets;

        async Task<List<byte[]>> ReadAsync()
        {
            List<byte[]> valid = [];
            CryptographicException? unreadable = null;
            await using var command = connection.CreateCommand(ValidSql, Value(userId));
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                try
                {
                    valid.Add(seal.Open(userId, reader.GetFieldValue<byte[]>(0)));
                }
                catch (CryptographicException exception)
                {
                    unreadable = exception;
                }
            }

            return valid.Count > 0 || unreadable is null ? valid : throw unreadable;
        }
    }

    private async Task<byte[]> InsertAsync(NpgsqlConnection connection, Guid userId, CancellationToken cancellationToken)
    {
        var secret = RandomNumberGenerator.GetBytes(WebhookSignature.SecretBytes);
        await using var command = connection.CreateCommand(
            InsertSql, Value(Guid.CreateVersion7()), Value(userId), Value(seal.Close(userId, secret)));
        await command.ExecuteNonQueryAsync(cancellationToken);
        return secret;
    }
}

/// <summary>
/// Seals signing secrets for the database (AES-256-GCM, bound to their user), if <see cref="WebhookOptions.SecretKey"/> is set.
/// A secret has to be had back to sign, so it cannot be hashed as a password is; sealed, a copy of the database alone forges no webhook.
/// </summary>
internal sealed class SecretProtector(IOptions<WebhookOptions> options)
{
    private const byte Plain = 0;
    private const byte Sealed = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly byte[]? _key = options.Value.SecretKey is { } key
        ? HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(key), 32, info: "webhook secrets"u8.ToArray())
        : null;

    /// <summary>What to store: one byte for the form, then the secret, or nonce, tag and cipher text.</summary>
    public byte[] Close(Guid userId, byte[] secret)
    {
        if (_key is null)
        {
            return [Plain, .. secret];
        }

        var stored = new byte[1 + NonceBytes + TagBytes + secret.Length];
        stored[0] = Sealed;
        var nonce = stored.AsSpan(1, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using AesGcm aes = new(_key, TagBytes);
        aes.Encrypt(nonce, secret, stored.AsSpan(1 + NonceBytes + TagBytes), stored.AsSpan(1 + NonceBytes, TagBytes), userId.ToByteArray());
        return stored;
    }

    /// <exception cref="CryptographicException">It was sealed with another key, or tampered with.</exception>
    public byte[] Open(Guid userId, byte[] stored)
    {
        if (stored[0] == Plain)
        {
            return stored[1..];
        }

        if (_key is null)
        {
            throw new CryptographicException("The secret is sealed, and Webhooks:SecretKey is not set.");
        }

        var secret = new byte[stored.Length - 1 - NonceBytes - TagBytes];
        using AesGcm aes = new(_key, TagBytes);
        aes.Decrypt(
            stored.AsSpan(1, NonceBytes), stored.AsSpan(1 + NonceBytes + TagBytes),
            stored.AsSpan(1 + NonceBytes, TagBytes), secret, userId.ToByteArray());
        return secret;
    }
}

using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace TicketApp.Api.Webhooks;

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

using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace TicketApp.Api.Http;

/// <summary>
/// Seals places in lists (AES-256-GCM), as callers carry them from page to page. A cursor shows nothing of what it holds, such as another
/// user's ticket id, and one that was changed, cut or taken from another list is told from a good one.
/// </summary>
internal sealed class CursorSeal
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    /// <summary>The longest cursor.</summary>
    public const int MaxText = 100;


    private byte[]? _key;

    /// <summary>
    /// Takes the key, which is in the database: so it is the same on all replicas and after a restart, and no setting. Called before
    /// anything is served.
    /// </summary>
    public void Use(byte[] key) => _key = key;

    /// <summary>The cursor of <paramref name="position"/> in <paramref name="list"/>.</summary>
    public string Close(string list, ReadOnlySpan<byte> position)
    {
        var text = new byte[NonceBytes + TagBytes + position.Length];
        var nonce = text.AsSpan(0, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = Cipher();
        aes.Encrypt(nonce, position, text.AsSpan(NonceBytes + TagBytes), text.AsSpan(NonceBytes, TagBytes), Encoding.UTF8.GetBytes(list));
        return Base64Url.EncodeToString(text);
    }

    /// <summary>Reads a cursor of <paramref name="list"/> whose position has <paramref name="length"/> bytes.</summary>
    /// <returns>The position; null for anything else.</returns>
    public byte[]? Open(string list, string text, int length)
    {
        if (text.Length > MaxText || !TryDecode(text, out var bytes) || bytes.Length != NonceBytes + TagBytes + length)
        {
            return null;
        }

        var position = new byte[length];
        using var aes = Cipher();
        try
        {
            aes.Decrypt(
                bytes.AsSpan(0, NonceBytes), bytes.AsSpan(NonceBytes + TagBytes), bytes.AsSpan(NonceBytes, TagBytes), position,
                Encoding.UTF8.GetBytes(list));
            return position;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    /// <summary>
    /// Bytes that follow from <paramref name="text"/> and the key, the same on all replicas, and that nobody finds without the key.
    /// </summary>
    public byte[] Derive(string purpose, string text, int length) => HKDF.DeriveKey(
        HashAlgorithmName.SHA256, Key, length, info: Encoding.UTF8.GetBytes($"{purpose}\n{text}"));

    /// <summary>Only the one text that <see cref="Close"/> writes: the last character may have bits that count for nothing.</summary>
    private static bool TryDecode(string text, [NotNullWhen(true)] out byte[]? bytes)
    {
        bytes = Base64Url.IsValid(text) ? Base64Url.DecodeFromChars(text) : null;
        return bytes is not null && Base64Url.EncodeToString(bytes) == text;
    }

    // One instance for all would have to be used by one thread at a time.
    private AesGcm Cipher() => new(Key, TagBytes);

    private byte[] Key => _key ?? throw new InvalidOperationException("The key of cursors has not been read.");
}

using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace TicketApp.Api.Auth;

/// <summary>
/// A user's key: <c>tk_</c>, 12 characters to find it by, 32 that are secret (190 bits), and a checksum of 6, by which a
/// mistyped key is told from an unknown one without asking the database, and a leaked one is found by scanners.
/// </summary>
/// <param name="Prefix"><c>tk_</c> and the characters to find it by; not secret.</param>
/// <param name="Hash">SHA-256 of the whole key.</param>
internal sealed record ApiKey(string Prefix, byte[] Hash)
{
    /// <summary>What keys look like.</summary>
    public const string Pattern = "^tk_[0-9A-Za-z]{50}$";

    /// <summary>What prefixes look like.</summary>
    public const string PrefixPattern = "^tk_[0-9A-Za-z]{12}$";

    /// <summary>A byte for each character between the scheme and the checksum.</summary>
    public const int SeedBytes = 12 + SecretLength;

    private const string Scheme = "tk_";
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int PrefixLength = 15;
    private const int SecretLength = 32;
    private const int ChecksumLength = 6;
    private const int Length = PrefixLength + SecretLength + ChecksumLength;

    /// <summary>A new key, and its text, which is told once and kept nowhere.</summary>
    public static (ApiKey Key, string Text) Create() => Of(RandomNumberGenerator.GetString(Alphabet, SeedBytes));

    /// <summary>The key, and its text, that follow from <see cref="SeedBytes"/> secret bytes: again and again the same.</summary>
    public static (ApiKey Key, string Text) Create(ReadOnlySpan<byte> seed) => Of(Characters(seed));

    /// <summary>Reads a key that a caller sent; false if it cannot be one.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ApiKey? key)
    {
        var isOne = text.Length == Length
            && text.StartsWith(Scheme, StringComparison.Ordinal)
            && text.AsSpan(Length - ChecksumLength).SequenceEqual(Checksum(text[..^ChecksumLength]));
        key = isOne ? Read(text) : null;
        return isOne;
    }

    private static (ApiKey Key, string Text) Of(string characters)
    {
        var text = Scheme + characters;
        text += Checksum(text);
        return (Read(text), text);
    }

    private static ApiKey Read(string text) => new(text[..PrefixLength], SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Checksum(string text) => Characters(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, ChecksumLength));

    private static string Characters(ReadOnlySpan<byte> bytes) => string.Create(bytes.Length, bytes, static (characters, bytes) =>
    {
        for (var i = 0; i < characters.Length; i++)
        {
            characters[i] = Alphabet[bytes[i] % Alphabet.Length];
        }
    });
}

using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace TicketApp.Api.Http;

/// <summary>
/// A place in a list, as callers carry it from page to page: bytes, and a check over them and over what the list was asked for. So a cursor
/// that was changed, cut or taken from another list is told from a good one. It grants nothing: whose tickets a page shows is decided again
/// each time.
/// </summary>
internal static class Cursor
{
    private const int CheckLength = 8;
    private const int MaxText = 100;

    public static string Encode(string list, ReadOnlySpan<byte> position) =>
        Base64Url.EncodeToString([.. position, .. Check(list, position)]);

    /// <summary>Reads a cursor of <paramref name="list"/> whose position has <paramref name="length"/> bytes.</summary>
    /// <returns>The position; null for anything else.</returns>
    public static byte[]? Decode(string list, string text, int length)
    {
        if (text.Length > MaxText || !Base64Url.IsValid(text))
        {
            return null;
        }

        var bytes = Base64Url.DecodeFromChars(text);
        if (bytes.Length != length + CheckLength)
        {
            return null;
        }

        var position = bytes[..length];
        return bytes.AsSpan(length).SequenceEqual(Check(list, position)) ? position : null;
    }

    private static ReadOnlySpan<byte> Check(string list, ReadOnlySpan<byte> position) =>
        SHA256.HashData([.. Encoding.UTF8.GetBytes(list), 0, .. position]).AsSpan(0, CheckLength);
}

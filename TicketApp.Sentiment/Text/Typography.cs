using System.Buffers;
using System.Text;

namespace TicketApp.Sentiment.Text;

/// <summary>
/// Undoes what is done to whole texts before anybody reads their words: letters in styles (<c>𝓰𝓸𝓸𝓭</c>, <c>ⓖⓞⓞⓓ</c>), ligatures, and
/// UTF-8 that was once read as Windows-1252 (<c>itâ€™s</c>). Programs without data about cultures have no compatibility forms of
/// Unicode (<c>string.Normalize</c> changes nothing there), so what letters need of them is here.
/// </summary>
internal static class Typography
{
    /// <summary>How many times longer a text can become.</summary>
    public const int Growth = 3;

    private const string Small = "abcdefghijklmnopqrstuvwxyz";

    // U+2102 to U+2149, the letters that mathematics had before it had whole alphabets; '.' marks what is not a letter.
    private const string Letterlike = "c.......ghhhh.iill.n...pqrrr......z...z.k.bc.eef.mo....i...........ddeij";

    // The characters of Windows-1252 for the bytes 0x80 to 0x9F; what it has no character for stays itself.
    private const string Windows1252 =
        "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f"
        + "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";

    private static readonly string[] _ligatures = ["ff", "fi", "fl", "ffi", "ffl", "st", "st"];

    // What a text has that needs this at all; most have nothing, and stay as they are.
    private static readonly SearchValues<char> _signs = SearchValues.Create(
    [
        '\ud835', '\ud83c', 'Â', 'Ã', 'â', 'ð', 'ï',
        .. Range('\u2102', '\u2149'), .. Range('\u249c', '\u24e9'), .. Range('\ufb00', '\ufb06'),
    ]);

    /// <summary>Whether there may be something to undo.</summary>
    public static bool IsSuspect(ReadOnlySpan<char> text) => text.ContainsAny(_signs);

    /// <summary>The text in plain letters.</summary>
    public static string Plain(string text)
    {
        if (!IsSuspect(text))
        {
            return text;
        }

        var plain = new char[text.Length * Growth];
        return new string(plain, 0, Write(text, plain));
    }

    /// <summary>Writes the text in plain letters.</summary>
    /// <returns>How many characters there are.</returns>
    public static int Write(ReadOnlySpan<char> text, Span<char> plain)
    {
        var length = 0;
        while (!text.IsEmpty)
        {
            if (!TryReadMisread(text, out var rune, out var read) && Rune.DecodeFromUtf16(text, out rune, out read) != OperationStatus.Done)
            {
                plain[length++] = text[0];
            }
            else if (rune.Value is >= '\ufb00' and <= '\ufb06')
            {
                var letters = _ligatures[rune.Value - '\ufb00'];
                letters.CopyTo(plain[length..]);
                length += letters.Length;
            }
            else if (Letter(rune.Value) is var letter and not '\0')
            {
                plain[length++] = letter;
            }
            else
            {
                length += rune.EncodeToUtf16(plain[length..]);
            }

            text = text[read..];
        }

        return length;
    }

    /// <summary>The plain letter or digit for one in a style; NUL for anything else.</summary>
    private static char Letter(int c) => c switch
    {
        >= 0x1d400 and <= 0x1d6a3 => Small[(c - 0x1d400) % 26],
        >= 0x1d7ce and <= 0x1d7ff => (char)('0' + ((c - 0x1d7ce) % 10)),
        >= 0x249c and <= 0x24b5 => Small[c - 0x249c],
        >= 0x24b6 and <= 0x24e9 => Small[(c - 0x24b6) % 26],
        >= 0x1f110 and <= 0x1f129 => Small[c - 0x1f110],
        >= 0x1f130 and <= 0x1f149 => Small[c - 0x1f130],
        >= 0x1f150 and <= 0x1f169 => Small[c - 0x1f150],
        >= 0x1f170 and <= 0x1f189 => Small[c - 0x1f170],
        >= 0x2102 and <= 0x2149 when Letterlike[c - 0x2102] is var letter and not '.' => letter,
        _ => '\0',
    };

    /// <summary>
    /// Reads a character whose bytes in UTF-8 were read one by one. Only what such characters begin with in practice counts: letters with
    /// accents, typographic signs, emoji and their selectors. Otherwise a letter before a quotation mark could look like one.
    /// </summary>
    private static bool TryReadMisread(ReadOnlySpan<char> text, out Rune rune, out int read)
    {
        (rune, read) = (default, text[0] switch { 'Â' or 'Ã' => 2, 'â' or 'ï' => 3, 'ð' => 4, _ => 0 });
        if (read == 0)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[4];
        for (var i = 0; i < read; i++)
        {
            var c = i < text.Length ? text[i] : '\0';
            var value = c <= '\u00ff' ? c : Windows1252.IndexOf(c, StringComparison.Ordinal) + 0x80;
            if (value < 0x80)
            {
                // The last byte of a closing quotation mark has no character in Windows-1252, and often gets lost.
                (rune, read) = (new Rune('"'), 2);
                return i == 2 && text.StartsWith("â€", StringComparison.Ordinal);
            }

            bytes[i] = (byte)value;
        }

        return Rune.DecodeFromUtf8(bytes[..read], out rune, out var decoded) == OperationStatus.Done && decoded == read;
    }

    private static IEnumerable<char> Range(char first, char last) => Enumerable.Range(first, last - first + 1).Select(c => (char)c);
}

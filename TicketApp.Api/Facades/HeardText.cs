using System.Globalization;

namespace TicketApp.Api.Facades;

/// <summary>
/// How far a listener has a text: its length, and a hash of what it has. Any replica can tell by it, at any time, where to continue, and
/// whether a text continues what the listener has at all.
/// </summary>
/// <param name="Length">In UTF-16 characters.</param>
/// <param name="Hash">FNV-1a of them.</param>
internal readonly record struct TextMark(int Length, ulong Hash)
{
    private const ulong Prime = 1099511628211;

    /// <summary>Before the first character.</summary>
    public static TextMark Start { get; } = new(0, 14695981039346656037);

    public TextMark Add(ReadOnlySpan<char> text)
    {
        var hash = Hash;
        foreach (var character in text)
        {
            hash = unchecked((hash ^ character) * Prime);
        }

        return new(Length + text.Length, hash);
    }

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <returns><see cref="Start"/> for anything else.</returns>
    public static TextMark Parse(string? text) =>
        text?.Split('-') is [var length, var hash]
        && int.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out var characters)
        && ulong.TryParse(hash, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? new(characters, value)
            : Start;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Length}-{Hash:x16}");
}

/// <summary>
/// A text that a listener hears once, though it is told several times from its beginning: by each attempt, and as the answer. What the
/// listener has is left out, and a telling that contradicts it is not heard.
/// </summary>
/// <param name="heard">How far the listener has it.</param>
internal sealed class HeardText(TextMark heard)
{
    private TextMark _told = TextMark.Start;
    private bool _contradicts;

    /// <summary>How far the listener has it.</summary>
    public TextMark Heard { get; private set; } = heard;

    /// <summary>Whether this telling is, so far, just what the listener has.</summary>
    public bool IsHeard => _told == Heard;

    /// <summary>Begins another telling.</summary>
    public void Begin() => (_told, _contradicts) = (TextMark.Start, false);

    /// <summary>Takes the next piece of this telling.</summary>
    /// <returns>What of it the listener does not have.</returns>
    public string Tell(string piece)
    {
        var known = Math.Min(piece.Length, Heard.Length - _told.Length);
        _told = _told.Add(piece.AsSpan(0, known));
        _contradicts |= _told.Length == Heard.Length && !IsHeard;
        if (_contradicts || _told.Length < Heard.Length)
        {
            return "";
        }

        var news = piece[known..];
        Heard = _told = _told.Add(news);
        return news;
    }
}

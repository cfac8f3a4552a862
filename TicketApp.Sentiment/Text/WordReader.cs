using System.Text;

namespace TicketApp.Sentiment.Text;

/// <summary>
/// Reads the words of a text one by one, in time linear in its length and with the memory of one word. What people write
/// and what a treebank makes of it (<c>do n't</c>, <c>-lrb-</c>, spaces before punctuation) come out as the same words.
/// </summary>
/// <param name="text">The text.</param>
/// <param name="buffer">Where a word is put together, of at least <see cref="MaxWord"/> characters.</param>
internal ref struct WordReader(ReadOnlySpan<char> text, Span<char> buffer)
{
    /// <summary>Characters of a word that count; the rest of a longer one is passed over.</summary>
    public const int MaxWord = 40;

    private const string Signs = ",;:!?()$%&*/";

    private readonly ReadOnlySpan<char> _text = text;
    private readonly Span<char> _buffer = buffer;
    private int _at;
    private bool _negated;

    /// <summary>The current word.</summary>
    public ReadOnlySpan<char> Word { get; private set; }

    /// <summary>Whether letters were repeated for emphasis ("sooo") and cut to two.</summary>
    public bool Stretched { get; private set; }

    /// <summary>Glad pictures less sad ones, so far.</summary>
    public int Mood { get; private set; }

    /// <summary>Goes to the next word.</summary>
    /// <returns>False at the end of the text.</returns>
    public bool Read()
    {
        Stretched = false;
        if (_negated)
        {
            _negated = false;
            Word = "not";
            return true;
        }

        while (_at < _text.Length)
        {
            var c = Letters.Fold(_text[_at]);
            if (char.IsLetterOrDigit(c) ? ReadLetters() : ReadSign(c))
            {
                return true;
            }
        }

        return false;
    }

    private bool ReadLetters()
    {
        var length = 0;
        for (; _at < _text.Length; _at++)
        {
            var c = Letters.Fold(_text[_at]);
            if (c == '\0')
            {
                continue;
            }

            if (!char.IsLetterOrDigit(c))
            {
                break;
            }

            if (length >= 2 && c == _buffer[length - 1] && c == _buffer[length - 2] && char.IsLetter(c))
            {
                Stretched = true;
            }
            else if (length < MaxWord)
            {
                _buffer[length++] = c;
            }
        }

        return EndOfWord(_buffer[..length]);
    }

    private bool EndOfWord(ReadOnlySpan<char> word)
    {
        var rest = _text[_at..];
        if (word[^1] == 'n' && rest.Length > 0 && Letters.Fold(rest[0]) == '\'' && Contractions.Ending(rest[1..]) is "'t")
        {
            _at += 2;
            _negated = true;
            Word = word[..^1];
        }
        else if (Contractions.WithoutNegation(word) is var length and >= 0)
        {
            _negated = true;
            Word = word[..length];
        }
        else
        {
            Word = word;
        }

        // A treebank's "n't" has nothing before the negation.
        return !Word.IsEmpty || Read();
    }

    private bool ReadSign(char sign)
    {
        var rest = _text[_at..];
        if (Moods.OfFace(rest) is { Length: > 0 } face)
        {
            Mood += face.Mood;
            _at += face.Length;
            return false;
        }

        switch (sign)
        {
            case '\'':
                _at++;
                return rest.Length > 1 && Letters.Fold(rest[1]) == '\'' ? Sign("\"", '\'') : Ending(Contractions.Ending(rest[1..]));
            case '"':
                return Sign("\"", '"');
            case '-' or '\u2013' or '\u2014':
                return ReadDash(rest);
            case '\u2026':
                return Sign("...", sign);
            case '.':
                return Sign(rest.StartsWith("..", StringComparison.Ordinal) ? "..." : ".", sign);
            case ',' or ';' or ':' or '!' or '?' or '(' or ')' or '$' or '%' or '&' or '*' or '/':
                return Sign(Signs.AsSpan(Signs.IndexOf(sign, StringComparison.Ordinal), 1), sign);
            default:
                ReadPicture(rest);
                return false;
        }
    }

    private bool Ending(ReadOnlySpan<char> ending)
    {
        if (ending.IsEmpty || ending is "'t")
        {
            return false;
        }

        _at += ending.Length - 1;
        Word = ending;
        return true;
    }

    private bool ReadDash(ReadOnlySpan<char> rest)
    {
        if (rest.StartsWith("-lrb-", StringComparison.OrdinalIgnoreCase) || rest.StartsWith("-rrb-", StringComparison.OrdinalIgnoreCase))
        {
            _at += 5;
            Word = rest[1] is 'l' or 'L' ? "(" : ")";
            return true;
        }

        // The parts of a compound are words of their own.
        if (_at > 0 && char.IsLetterOrDigit(_text[_at - 1]) && rest.Length > 1 && char.IsLetterOrDigit(rest[1]) && rest[0] == '-')
        {
            _at++;
            return false;
        }

        while (_at < _text.Length && Letters.Fold(_text[_at]) is '-' or '\u2013' or '\u2014')
        {
            _at++;
        }

        Word = "--";
        return true;
    }

    private bool Sign(ReadOnlySpan<char> word, char sign)
    {
        while (_at < _text.Length && Letters.Fold(_text[_at]) == sign)
        {
            _at++;
        }

        Word = word;
        return true;
    }

    private void ReadPicture(ReadOnlySpan<char> rest)
    {
        Rune.DecodeFromUtf16(rest, out var rune, out var length);
        Mood += Moods.Of(rune);
        _at += length;
    }
}

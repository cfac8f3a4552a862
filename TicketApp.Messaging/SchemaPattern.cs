using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace TicketApp.Messaging;

/// <summary>
/// Reads patterns of JSON Schemas: those of ECMAScript that can be matched in time linear to the text, and with a bounded factor.
/// </summary>
public sealed partial class SchemaPattern
{
    private const int MaxLength = 1000;

    private const int MaxSize = 1000;

    private readonly string _pattern;
    private readonly StringBuilder _translated = new();
    private readonly Stack<int> _outer = [];
    private int _at;
    private int _size;
    private int _last;

    /// <summary>Reads a pattern.</summary>
    /// <exception cref="FormatException">It is not a pattern, or cannot be bounded; the message follows what has it.</exception>
    public SchemaPattern(string pattern)
    {
        _pattern = pattern;
        if (pattern.Length > MaxLength)
        {
            throw new FormatException($"has a pattern of more than {MaxLength} characters");
        }

        try
        {
            Regex = new(Translate(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (NotSupportedException)
        {
            throw new FormatException("has a pattern with a look-around, a back-reference, a name or an option");
        }
        catch (ArgumentException)
        {
            throw new FormatException("has a pattern that is no regular expression");
        }
    }

    /// <summary>The same for .NET.</summary>
    public Regex Regex { get; }

    /// <summary>Its characters with all that is repeated written out: the steps for each character of a text, at worst.</summary>
    public int Size => _size;

    [GeneratedRegex(@"\G\{(\d{1,9})(,(\d{0,9}))?\}", RegexOptions.CultureInvariant)]
    private static partial Regex Repetition { get; }

    /// <summary>Where some signs mean more.</summary>
    private string Translate()
    {
        for (; _at < _pattern.Length; _at++)
        {
            switch (_pattern[_at])
            {
                case '\\':
                    Escape(isInClass: false);
                    break;
                case '[':
                    Class();
                    break;
                case '(':
                    Open();
                    break;
                case ')':
                    Close();
                    break;
                case '$':
                    // Not before a line's end too.
                    Add("\\z");
                    break;
                case '{' when Repetition.Match(_pattern, _at) is { Success: true } repetition:
                    Repeat(repetition);
                    break;
                case '*' or '+' or '?':
                    _translated.Append(_pattern[_at]);
                    break;
                default:
                    Add(_pattern[_at].ToString());
                    break;
            }

            if (_size + _outer.Sum() > MaxSize)
            {
                throw new FormatException($"has a pattern of more than {MaxSize} characters, with what is repeated written out");
            }
        }

        return _translated.ToString();
    }

    private void Add(string text)
    {
        _translated.Append(text);
        _last = 1;
        _size++;
    }

    private void Escape(bool isInClass)
    {
        var escaped = _at + 1 < _pattern.Length ? _pattern[++_at] : '\0';
        var text = escaped switch
        {
            '\0' => throw new ArgumentException("It ends with half an escape."),
            >= '1' and <= '9' => throw new NotSupportedException("A back-reference."),
            // Of ASCII alone, and what is not of them is all else: by .NET a letter beyond ASCII would be neither \w nor \W.
            'd' => "0-9",
            'D' => @"\x00-/:-\uFFFF",
            'w' => "a-zA-Z0-9_",
            'W' => @"\x00-/:-@\[-\^`{-\uFFFF",
            _ => $"\\{escaped}",
        };
        if (isInClass)
        {
            _translated.Append(text);
        }
        else
        {
            Add(escaped is 'd' or 'D' or 'w' or 'W' ? $"[{text}]" : text);
        }
    }

    private void Class()
    {
        _translated.Append('[');
        if (++_at < _pattern.Length && _pattern[_at] == '^')
        {
            _translated.Append('^');
            _at++;
        }

        if (_at < _pattern.Length && _pattern[_at] == ']')
        {
            throw new ArgumentException("An empty class.");
        }

        for (; _at < _pattern.Length && _pattern[_at] != ']'; _at++)
        {
            if (_pattern[_at] == '\\')
            {
                Escape(isInClass: true);
            }
            else
            {
                // An unescaped one could take characters away.
                _translated.Append(_pattern[_at] == '[' ? "\\[" : _pattern[_at].ToString());
            }
        }

        Add("]");
    }

    private void Open()
    {
        var rest = _pattern.AsSpan(_at);
        if (rest.StartsWith("(?") && !rest.StartsWith("(?:"))
        {
            throw new NotSupportedException("A look-around, an option or a name.");
        }

        // A group captures nothing that anybody asks for.
        _translated.Append("(?:");
        _at += rest.StartsWith("(?:") ? 2 : 0;
        _outer.Push(_size);
        _size = 0;
    }

    private void Close()
    {
        _translated.Append(')');
        _last = _size = Math.Max(_size, 1);
        _size += _outer.TryPop(out var outer) ? outer : throw new ArgumentException("A bracket that nothing opens.");
    }

    private void Repeat(Match repetition)
    {
        var most = repetition.Groups[3].ValueSpan is { Length: > 0 } upper ? upper : repetition.Groups[1].ValueSpan;
        var more = (long)_last * (Math.Max(1, int.Parse(most, CultureInfo.InvariantCulture)) - 1);
        _size = (int)Math.Min(_size + more, int.MaxValue / 2);
        _last = (int)Math.Min(_last + more, int.MaxValue / 2);
        _translated.Append(repetition.Value);
        _at += repetition.Length - 1;
    }
}

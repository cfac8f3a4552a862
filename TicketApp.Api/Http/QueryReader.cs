using System.Globalization;

namespace TicketApp.Api.Http;

/// <summary>
/// Reads the query string of a list strictly: an unknown parameter, one given twice or a malformed value is an error of its field. An empty
/// value counts as none.
/// </summary>
internal sealed class QueryReader
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    public QueryReader(IQueryCollection query, params ReadOnlySpan<string> known)
    {
        foreach (var (name, values) in query)
        {
            if (!known.Contains(name))
            {
                Errors.Add(Shown(name), $"is no parameter here; there are {string.Join(", ", known)}");
            }
            else if (values.Count > 1)
            {
                Errors.Add(name, "is there more than once");
            }
            else if (values[0] is { Length: > 0 } value)
            {
                _values[name] = value;
            }
        }
    }

    public FieldErrors Errors { get; } = new();

    public string? Text(string name) => _values.GetValueOrDefault(name);

    public Guid? Id(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (Guid.TryParseExact(text, "D", out var id))
        {
            return id;
        }

        Errors.Add(name, "must be a UUID");
        return null;
    }

    public int Number(string name, int most, int otherwise)
    {
        if (Text(name) is not { } text)
        {
            return Math.Min(otherwise, most);
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most)
        {
            return number;
        }

        Errors.Add(name, $"must be from 1 to {most}");
        return otherwise;
    }

    public DateTime? Time(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (DateTimeOffset.TryParseExact(text, _timeFormats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
        {
            return time.UtcDateTime;
        }

        Errors.Add(name, "must be a time such as 2026-01-31T12:00:00Z; a + in it is written %2B");
        return null;
    }

    // Seven, three or no digits of a second, and a day alone; K is Z or an offset.
    private static readonly string[] _timeFormats = ["yyyy-MM-ddTHH:mm:ss.FFFFFFFK", "yyyy-MM-ddTHH:mmK", "yyyy-MM-dd"];

    // What is told back is bounded, whatever came.
    private static string Shown(string name) => name.Length <= 50 ? name : name[..50];
}

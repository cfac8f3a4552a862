using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

/// <summary>What a list of tickets is asked for.</summary>
internal sealed record TicketListQuery
{
    public const int DefaultLimit = 20;
    private const int PositionLength = 16;

    // Ids carry the clock of the Api that made them, the column that of the database.
    private static readonly TimeSpan _clockSkew = TimeSpan.FromSeconds(10);

    /// <summary>Only this user's tickets.</summary>
    public Guid? UserId { get; init; }

    /// <summary>Only tickets of these states of the database; null: of all.</summary>
    public string[]? Statuses { get; init; }

    /// <summary>Only tickets created after it.</summary>
    public DateTime? CreatedAfter { get; init; }

    /// <summary>Only tickets created before it.</summary>
    public DateTime? CreatedBefore { get; init; }

    /// <summary>The most that a page holds.</summary>
    public required int Limit { get; init; }

    /// <summary>Where the page begins, if it is not the first.</summary>
    public Guid? Position { get; private init; }

    /// <summary>No ticket at or above this id can match.</summary>
    public Guid Top { get; private init; } = TicketIds.Last;

    /// <summary>The page begins with the first id below it.</summary>
    public Guid Below => Position ?? Top;

    /// <summary>No ticket at or below this id can match.</summary>
    public Guid Above { get; private init; }

    /// <summary>Whether rows may be read that do not match.</summary>
    public bool IsFiltered => Statuses is not null || CreatedAfter is not null || CreatedBefore is not null;

    private string Name => $"tickets {UserId} {string.Join(',', Statuses ?? [])} {CreatedAfter:O} {CreatedBefore:O}";

    public string CursorAfter(CursorSeal cursors, Guid id) => cursors.Close(Name, id.ToByteArray(bigEndian: true));

    public static (TicketListQuery? Query, Problem? Problem) Read(
        IQueryCollection query, int maxPage, Caller caller, CursorSeal cursors)
    {
        QueryReader reader = new(query, "user_id", "status", "created_after", "created_before", "limit", "cursor");
        TicketListQuery list = new()
        {
            UserId = UserOf(reader.Id("user_id"), caller),
            Statuses = Status(reader),
            Limit = reader.Number("limit", maxPage, DefaultLimit),
        };
        return list.Read(reader, cursors);
    }

    /// <summary>Reads what is asked of a list of one user's tickets by time alone.</summary>
    public static (TicketListQuery? Query, Problem? Problem) ReadOfUser(
        Guid userId, IQueryCollection query, int limit, CursorSeal cursors) =>
        new TicketListQuery { UserId = userId, Limit = limit }
            .Read(new(query, "created_after", "created_before", "cursor"), cursors);

    private (TicketListQuery? Query, Problem? Problem) Read(QueryReader reader, CursorSeal cursors)
    {
        var (after, before) = (reader.Time("created_after"), reader.Time("created_before"));
        var list = this with
        {
            CreatedAfter = after,
            CreatedBefore = before,
            Above = after is { } first ? IdAt(first, -_clockSkew) : Guid.Empty,
            Top = before is { } last ? IdAt(last, _clockSkew) : TicketIds.Last,
        };
        if (reader.Errors.Any)
        {
            return (null, reader.Errors.ToProblem());
        }

        if (reader.Text("cursor") is not { } cursor)
        {
            return (list, null);
        }

        return cursors.Open(list.Name, cursor, PositionLength) is { } position
            ? (list with { Position = new Guid(position, bigEndian: true) }, null)
            : (
                null,
                ProblemType.InvalidCursor.With(
                    "Take the value of next from the page before, with the same parameters, or begin again without a cursor."));
    }

    /// <summary>Somebody else's tickets are as if they were not there.</summary>
    private static Guid? UserOf(Guid? wanted, Caller caller) =>
        caller.MayActForAll ? wanted : wanted is null || wanted == caller.UserId ? caller.UserId : Guid.Empty;

    private static string[]? Status(QueryReader reader)
    {
        if (reader.Text("status") is not { } text)
        {
            return null;
        }

        var names = text.Split(',');
        if (names.Any(name => !TicketStatusNames.AllPublic.Contains(name)))
        {
            reader.Errors.Add(
                "status", $"must be one or several, separated by commas, of: {string.Join(", ", TicketStatusNames.AllPublic)}");
            return null;
        }

        return [.. names.SelectMany(TicketStatusNames.OfPublic).Distinct().Order(StringComparer.Ordinal)];
    }

    // Far from the ends of time, where adding would not be possible.
    private static Guid IdAt(DateTime time, TimeSpan skew) =>
        TicketIds.FirstAt(new DateTimeOffset(time.Year is > 1 and < 9999 ? time + skew : time));
}

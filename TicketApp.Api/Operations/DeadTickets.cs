using TicketApp.Api.Http;

namespace TicketApp.Api.Operations;

/// <summary>Which dead tickets an administrator means: of those that failed, timed out or expired.</summary>
internal sealed record DeadTickets
{
    /// <summary>The most that one call retries or removes.</summary>
    public const int MaxAtOnce = 1000;

    private const int PositionLength = 16;

    /// <summary>How tickets die.</summary>
    public static IReadOnlyList<string> Ends { get; } = ["failed", "timed_out", "expired"];

    /// <summary>Only with that end; null: with any of the three.</summary>
    public string? Status { get; init; }

    /// <summary>Only of that model; null: of any.</summary>
    public string? Model { get; init; }

    /// <summary>Only with that error; null: with any.</summary>
    public string? ErrorType { get; init; }

    /// <summary>At most so many, the youngest first.</summary>
    public required int Limit { get; init; }

    /// <summary>Only those with an id below it.</summary>
    public Guid? Below { get; init; }

    private string Name => $"dead tickets {Status} {Model} {ErrorType}";

    public string CursorAfter(CursorSeal cursors, Guid id) => cursors.Close(Name, id.ToByteArray(bigEndian: true));

    public static (DeadTickets? Dead, Problem? Problem) Read(IQueryCollection query, int most, int otherwise, CursorSeal cursors)
    {
        QueryReader reader = new(query, "status", "model", "error_type", "limit", "cursor");
        DeadTickets dead = new()
        {
            Status = reader.Text("status"),
            Model = Word(reader, "model"),
            ErrorType = Word(reader, "error_type"),
            Limit = reader.Number("limit", most, otherwise),
        };
        if (dead.Status is { } status && !Ends.Contains(status))
        {
            reader.Errors.Add("status", $"must be one of: {string.Join(", ", Ends)}");
        }

        if (reader.Errors.Any)
        {
            return (null, reader.Errors.ToProblem());
        }

        if (reader.Text("cursor") is not { } cursor)
        {
            return (dead, null);
        }

        return cursors.Open(dead.Name, cursor, PositionLength) is { } position
            ? (dead with { Below = new Guid(position, bigEndian: true) }, null)
            : (
                null,
                ProblemType.InvalidCursor.With(
                    "Take the value of next from the page before, with the same parameters, or begin again without a cursor."));
    }

    private static string? Word(QueryReader reader, string name)
    {
        var word = reader.Text(name);
        if (word?.Contains('\0', StringComparison.Ordinal) == true)
        {
            // The database's text cannot hold it.
            reader.Errors.Add(name, "must not contain the character NUL");
        }

        return word;
    }
}

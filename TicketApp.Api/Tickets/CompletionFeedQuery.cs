using System.Buffers.Binary;
using TicketApp.Api.Http;

namespace TicketApp.Api.Tickets;

/// <summary>What the log of ends is asked for.</summary>
internal sealed record CompletionFeedQuery
{
    private const string List = "changes";
    private const int DefaultLimit = 100;
    private const int PositionLength = 24;

    /// <summary>The transaction that the reader has got to.</summary>
    public ulong Transaction { get; init; }

    /// <summary>The last ticket of that transaction that the reader has seen.</summary>
    public Guid TicketId { get; init; }

    /// <summary>Only this user's tickets.</summary>
    public Guid? UserId { get; init; }

    /// <summary>The most that a page holds.</summary>
    public required int Limit { get; init; }

    /// <summary>Whether only what ends from now on is wanted.</summary>
    public bool FromNow { get; init; }

    public static string CursorAfter(CursorSeal cursors, ulong transaction, Guid ticketId)
    {
        Span<byte> position = stackalloc byte[PositionLength];
        BinaryPrimitives.WriteUInt64BigEndian(position, transaction);
        ticketId.TryWriteBytes(position[8..], bigEndian: true, out _);
        return cursors.Close(List, position);
    }

    public static (CompletionFeedQuery? Query, Problem? Problem) Read(IQueryCollection query, int maxPage, CursorSeal cursors)
    {
        QueryReader reader = new(query, "after", "user_id", "limit");
        CompletionFeedQuery changes = new() { UserId = reader.Id("user_id"), Limit = reader.Number("limit", maxPage, DefaultLimit) };
        if (reader.Errors.Any)
        {
            return (null, reader.Errors.ToProblem());
        }

        switch (reader.Text("after"))
        {
            case null:
                return (changes, null);
            case "now":
                return (changes with { FromNow = true }, null);
            case { } after when cursors.Open(List, after, PositionLength) is { } position:
                return (
                    changes with
                    {
                        Transaction = BinaryPrimitives.ReadUInt64BigEndian(position),
                        TicketId = new Guid(position.AsSpan(8), bigEndian: true),
                    },
                    null);
            default:
                return (
                    null,
                    ProblemType.InvalidCursor.With(
                        "Take the value of next from the answer before, or begin without after, or with after=now."));
        }
    }
}

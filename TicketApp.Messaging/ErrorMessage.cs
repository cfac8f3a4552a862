namespace TicketApp.Messaging;

/// <summary>The body of a message in <see cref="QueueNames.Errors"/>.</summary>
public sealed record ErrorMessage
{
    /// <summary>The ticket that failed or ran over its limit; null for a message that could not be read.</summary>
    public Guid? TicketId { get; init; }

    /// <summary>Whose ticket it was; null for a message that could not be read.</summary>
    public Guid? UserId { get; init; }

    /// <summary>From creation to end, in seconds; null for a message that could not be read.</summary>
    public double? ProcessingTimeInSeconds { get; init; }

    /// <summary>What happened, in words.</summary>
    public required string Message { get; init; }

    /// <summary>A stable word for why: a ticket's error type, or <c>unreadable</c>.</summary>
    public required string Reason { get; init; }

    /// <summary>Where an unreadable message came from.</summary>
    public string? Queue { get; init; }

    /// <summary>The unreadable message: as text if it is UTF-8, else in Base64 (<see cref="BodyEncoding"/> says which).</summary>
    public string? Body { get; init; }

    /// <summary><c>utf-8</c> or <c>base64</c>.</summary>
    public string? BodyEncoding { get; init; }
}

using TicketApp.Api.Storage;

namespace TicketApp.Api.Webhooks;

/// <summary>One event on its way to its receiver, claimed by this replica.</summary>
/// <param name="Id">The same for every attempt.</param>
/// <param name="Host">Where it goes, with the port if there is one.</param>
/// <param name="Url">Where it goes.</param>
/// <param name="Event">Which event.</param>
/// <param name="Created">When the event happened.</param>
/// <param name="Ticket">The ticket as the event left it.</param>
/// <param name="Truncated">Its input and response are too large to send, and left out.</param>
/// <param name="Attempt">The number of this attempt, from 1: what tells it from one that counted as lost.</param>
/// <param name="Try">Its place in the schedule, from 1.</param>
/// <param name="EndpointIsOff">The receiver does not want to be asked any more, or the user is erased.</param>
/// <param name="TraceParent">The span of the request that made the ticket; null if it is not traced.</param>
/// <param name="Form">How the body is written, as in <see cref="Tickets.Webhook"/>.</param>
internal sealed record Delivery(
    Guid Id, string Host, Uri Url, string Event, DateTime Created, TicketRecord Ticket, bool Truncated,
    short Attempt, short Try, bool EndpointIsOff, string? TraceParent = null, string? Form = null)
{
    private const string MessagePrefix = "msg_";

    /// <summary>The value of <c>webhook-id</c>.</summary>
    public string MessageId => MessageIdOf(Id);

    public static string MessageIdOf(Guid id) => $"{MessagePrefix}{id:N}";

    /// <summary>Reads what <see cref="MessageIdOf"/> wrote.</summary>
    public static bool TryParseMessageId(string text, out Guid id)
    {
        id = default;
        return text.StartsWith(MessagePrefix, StringComparison.Ordinal)
            && Guid.TryParseExact(text.AsSpan(MessagePrefix.Length), "N", out id);
    }
}

/// <summary>How an attempt went.</summary>
/// <param name="StatusCode">What the receiver answered; null if it did not.</param>
/// <param name="Error">A word for what went wrong where nothing was answered; null otherwise.</param>
/// <param name="Duration">How long it took.</param>
/// <param name="RetryAfter">What the receiver asked to wait.</param>
internal sealed record AttemptResult(int? StatusCode, string? Error, TimeSpan Duration, TimeSpan? RetryAfter = null)
{
    public bool IsSuccess => StatusCode is >= 200 and <= 299;

    /// <summary>The receiver wants no more.</summary>
    public bool IsGone => StatusCode == StatusCodes.Status410Gone;
}

using System.Reflection;

namespace TicketApp.Api.Http;

/// <summary>A kind of error of the resource API. Its URI is stable: programs may decide by it.</summary>
/// <param name="Name">The last part of the URI.</param>
/// <param name="Status">The HTTP status that it comes with.</param>
/// <param name="Title">What it is, the same for each occurrence.</param>
internal sealed record ProblemType(string Name, int Status, string Title)
{
    public static readonly ProblemType InvalidRequest = new("invalid-request", StatusCodes.Status400BadRequest, "The request is not valid");
    public static readonly ProblemType InvalidCursor = new(
        "invalid-cursor", StatusCodes.Status400BadRequest, "The cursor is not one of this list");
    public static readonly ProblemType UnknownModel = new("unknown-model", StatusCodes.Status400BadRequest, "There is no such model");
    public static readonly ProblemType KeyRequired = new("key-required", StatusCodes.Status401Unauthorized, "A key is required");
    public static readonly ProblemType KeyNotEnough = new("key-not-enough", StatusCodes.Status403Forbidden, "This key does not allow that");
    public static readonly ProblemType CrossSite = new(
        "cross-site", StatusCodes.Status403Forbidden, "Another site's page asks for a change");
    public static readonly ProblemType NoSuchPath = new("no-such-path", StatusCodes.Status404NotFound, "There is no such path");
    public static readonly ProblemType TicketNotFound = new("ticket-not-found", StatusCodes.Status404NotFound, "There is no such ticket");
    public static readonly ProblemType UserNotFound = new("user-not-found", StatusCodes.Status404NotFound, "There is no such user");
    public static readonly ProblemType KeyNotFound = new("key-not-found", StatusCodes.Status404NotFound, "There is no such key");
    public static readonly ProblemType DeliveryNotFound = new(
        "delivery-not-found", StatusCodes.Status404NotFound, "There is no such delivery");
    public static readonly ProblemType ErasureNotFound = new(
        "erasure-not-found", StatusCodes.Status404NotFound, "There is no such erasure");
    public static readonly ProblemType EndpointNotFound = new(
        "endpoint-not-found", StatusCodes.Status404NotFound, "There is no such endpoint");
    public static readonly ProblemType MethodNotAllowed = new(
        "method-not-allowed", StatusCodes.Status405MethodNotAllowed, "The path does not have this method");
    public static readonly ProblemType DeliveryPending = new(
        "delivery-pending", StatusCodes.Status409Conflict, "The delivery has not ended yet");
    public static readonly ProblemType DeliveryExhausted = new(
        "delivery-exhausted", StatusCodes.Status409Conflict, "The delivery has had too many attempts");
    public static readonly ProblemType NotRetryable = new("not-retryable", StatusCodes.Status409Conflict, "The ticket cannot run again");
    public static readonly ProblemType NotFinished = new("not-finished", StatusCodes.Status409Conflict, "The ticket has not finished");
    public static readonly ProblemType KeysNotUsed = new("keys-not-used", StatusCodes.Status409Conflict, "No keys are used here");
    public static readonly ProblemType TooManyKeys = new(
        "too-many-keys", StatusCodes.Status409Conflict, "The user has as many keys as one may have");
    public static readonly ProblemType TooLarge = new("too-large", StatusCodes.Status413PayloadTooLarge, "The request is too large");
    public static readonly ProblemType NotJson = new(
        "not-json", StatusCodes.Status415UnsupportedMediaType, "The body is not declared as JSON");
    public static readonly ProblemType EncodedBody = new(
        "encoded-body", StatusCodes.Status415UnsupportedMediaType, "The body is compressed or encoded");
    public static readonly ProblemType KeyReused = new(
        "idempotency-key-reused", StatusCodes.Status422UnprocessableEntity, "The idempotency key was used for another request");
    public static readonly ProblemType TooManyRequests = new(
        "too-many-requests", StatusCodes.Status429TooManyRequests, "There are too many requests");
    public static readonly ProblemType TooManyOpenTickets = new(
        "too-many-open-tickets", StatusCodes.Status429TooManyRequests, "The user has as many open tickets as one may have");
    public static readonly ProblemType InternalError = new(
        "internal-error", StatusCodes.Status500InternalServerError, "Something unexpected went wrong");
    public static readonly ProblemType Overloaded = new(
        "overloaded", StatusCodes.Status503ServiceUnavailable, "The service is at its limit");
    public static readonly ProblemType Unavailable = new(
        "unavailable", StatusCodes.Status503ServiceUnavailable, "The service is temporarily unavailable");

    /// <summary>All that there are.</summary>
    public static IReadOnlyList<ProblemType> All { get; } =
    [
        .. typeof(ProblemType)
            .GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (ProblemType)field.GetValue(null)!),
    ];

    /// <summary>The stable identifier.</summary>
    public string Uri => $"urn:ticketapp:problem:{Name}";

    /// <summary>One occurrence.</summary>
    /// <param name="detail">What happened and what to do about it.</param>
    /// <param name="errors">What is wrong with which field, where fields are at fault.</param>
    public Problem With(string detail, IReadOnlyDictionary<string, string[]>? errors = null) =>
        new() { Type = Uri, Title = Title, Status = Status, Detail = detail, Errors = errors };
}

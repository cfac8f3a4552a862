using System.Reflection;
using System.Text.Encodings.Web;

namespace TicketApp.Api.Http;

/// <summary>A kind of error of the resource API. Its URI is stable: programs may decide by it.</summary>
/// <param name="Name">The last part of the URI.</param>
/// <param name="Status">The HTTP status that it comes with.</param>
/// <param name="Title">What it is, the same for each occurrence.</param>
/// <param name="Advice">What to do about it; an occurrence may know better.</param>
/// <param name="Message">It in the words of the original API, where that has it too.</param>
internal sealed record ProblemType(string Name, int Status, string Title, string Advice, string? Message = null)
{
    public static readonly ProblemType InvalidRequest = new(
        "invalid-request", StatusCodes.Status400BadRequest, "The request is not valid",
        "Correct the fields that errors names, or what detail says, and send the request again.");
    public static readonly ProblemType InvalidCursor = new(
        "invalid-cursor", StatusCodes.Status400BadRequest, "The cursor is not one of this list",
        "Take the value of next from the page before, with the same parameters, or begin again without a cursor.");
    public static readonly ProblemType UnknownModel = new(
        "unknown-model", StatusCodes.Status400BadRequest, "There is no such model",
        "Choose one of those that GET /v1/models lists.");
    public static readonly ProblemType KeyRequired = new(
        "key-required", StatusCodes.Status401Unauthorized, "A key is required",
        "Send a key that is in force, with the header Authorization: Bearer.",
        "A key is required");
    public static readonly ProblemType KeyNotEnough = new(
        "key-not-enough", StatusCodes.Status403Forbidden, "This key does not allow that",
        "Use an administrator's key.",
        "This key does not allow that");
    public static readonly ProblemType CrossSite = new(
        "cross-site", StatusCodes.Status403Forbidden, "Another site's page asks for a change",
        "Send JSON, with the header Content-Type: application/json, or use the service's own page.");
    public static readonly ProblemType NoSuchPath = new(
        "no-such-path", StatusCodes.Status404NotFound, "There is no such path",
        "See /openapi/v1.json for the paths that there are.",
        "Not found");
    public static readonly ProblemType TicketNotFound = new(
        "ticket-not-found", StatusCodes.Status404NotFound, "There is no such ticket",
        "Check the id. A finished ticket is kept for a limited time only.");
    public static readonly ProblemType ModelNotFound = new(
        "model-not-found", StatusCodes.Status404NotFound, "There is no such model",
        "Choose one of those that GET /v1/models lists.");
    public static readonly ProblemType UserNotFound = new(
        "user-not-found", StatusCodes.Status404NotFound, "There is no such user",
        "Create a user with POST /v1/users and use its id as user_id.");
    public static readonly ProblemType KeyNotFound = new(
        "key-not-found", StatusCodes.Status404NotFound, "There is no such key",
        "Use a prefix that the list of this user's keys shows.");
    public static readonly ProblemType DeliveryNotFound = new(
        "delivery-not-found", StatusCodes.Status404NotFound, "There is no such delivery",
        "Use an id that the ticket's list of deliveries shows.");
    public static readonly ProblemType ErasureNotFound = new(
        "erasure-not-found", StatusCodes.Status404NotFound, "There is no such erasure",
        "Use the Location of the answer to DELETE.");
    public static readonly ProblemType EndpointNotFound = new(
        "endpoint-not-found", StatusCodes.Status404NotFound, "There is no such endpoint",
        "Give url as the list of endpoints that are off shows it.");
    public static readonly ProblemType MethodNotAllowed = new(
        "method-not-allowed", StatusCodes.Status405MethodNotAllowed, "The path does not have this method",
        "Use one of the methods that the header Allow names.",
        "Method not allowed");
    public static readonly ProblemType DeliveryPending = new(
        "delivery-pending", StatusCodes.Status409Conflict, "The delivery has not ended yet",
        "It is tried again by itself: see next_attempt_at.");
    public static readonly ProblemType DeliveryExhausted = new(
        "delivery-exhausted", StatusCodes.Status409Conflict, "The delivery has had too many attempts",
        "Get the ticket instead.");
    public static readonly ProblemType NotRetryable = new(
        "not-retryable", StatusCodes.Status409Conflict, "The ticket cannot run again",
        "Only a ticket that has failed, timed out, expired or was canceled can run again, and at most 1,000 times. Submit a new one.");
    public static readonly ProblemType NotFinished = new(
        "not-finished", StatusCodes.Status409Conflict, "The ticket has not finished",
        "Cancel it first, with POST /v1/tickets/{id}/cancel.");
    public static readonly ProblemType KeysNotUsed = new(
        "keys-not-used", StatusCodes.Status409Conflict, "No keys are used here",
        "Calls need no key here (Auth:Mode=open), and none is given.");
    public static readonly ProblemType TooManyKeys = new(
        "too-many-keys", StatusCodes.Status409Conflict, "The user has as many keys as one may have",
        "Revoke one of the keys of this user first.");
    public static readonly ProblemType TooLarge = new(
        "too-large", StatusCodes.Status413PayloadTooLarge, "The request is too large",
        "Send less at once.");
    public static readonly ProblemType NotJson = new(
        "not-json", StatusCodes.Status415UnsupportedMediaType, "The body is not declared as JSON",
        "Send JSON, with the header Content-Type: application/json.");
    public static readonly ProblemType EncodedBody = new(
        "encoded-body", StatusCodes.Status415UnsupportedMediaType, "The body is compressed or encoded",
        "Send the body as it is, without Content-Encoding.");
    public static readonly ProblemType KeyReused = new(
        "idempotency-key-reused", StatusCodes.Status422UnprocessableEntity, "The idempotency key was used for another request",
        "Repeat the very body that was sent with this key, or choose a new key for a new ticket.");
    public static readonly ProblemType TooManyRequests = new(
        "too-many-requests", StatusCodes.Status429TooManyRequests, "There are too many requests",
        "Try again after the time in Retry-After.",
        "Too many requests, try again soon");
    public static readonly ProblemType TooManyOpenTickets = new(
        "too-many-open-tickets", StatusCodes.Status429TooManyRequests, "The user has as many open tickets as one may have",
        "Wait until some have finished, or cancel some.",
        "Too many open tickets, try again soon");
    public static readonly ProblemType InternalError = new(
        "internal-error", StatusCodes.Status500InternalServerError, "Something unexpected went wrong",
        "It is in the log. Trying again may help.",
        "Internal server error");
    public static readonly ProblemType Overloaded = new(
        "overloaded", StatusCodes.Status503ServiceUnavailable, "The service is at its limit",
        "Try again after the time in Retry-After.",
        "Service is overloaded, try again soon");
    public static readonly ProblemType Unavailable = new(
        "unavailable", StatusCodes.Status503ServiceUnavailable, "The service is temporarily unavailable",
        "Try again after the time in Retry-After. Nothing is half-done.",
        "Service is temporarily unavailable, try again soon");

    /// <summary>All that there are.</summary>
    public static IReadOnlyList<ProblemType> All { get; } =
    [
        .. typeof(ProblemType)
            .GetFields(BindingFlags.Public | BindingFlags.Static)
            .Select(field => (ProblemType)field.GetValue(null)!),
    ];

    /// <summary>Those of requests that no operation serves.</summary>
    public static IReadOnlyList<ProblemType> OfNoOperation { get; } = [NoSuchPath, MethodNotAllowed];

    /// <summary>The stable identifier: where the service explains it.</summary>
    public string Uri => $"{ProblemPage.Path}#{Name}";

    /// <summary>One occurrence.</summary>
    /// <param name="detail">What happened and what to do about it; null: the advice that the kind has.</param>
    /// <param name="errors">What is wrong with which field, where fields are at fault.</param>
    public Problem With(string? detail = null, IReadOnlyDictionary<string, string[]>? errors = null) =>
        new() { Type = Uri, Title = Title, Status = Status, Detail = detail ?? Advice, Errors = errors, Message = Message };
}

/// <summary>The page that explains each kind of error: what its URI leads to.</summary>
internal static class ProblemPage
{
    public const string Path = $"{ApiDescription.Path}/problems";

    /// <summary>It, with an anchor for each kind.</summary>
    public static string Html { get; } =
        $"""
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <title>Problems of the TicketApp API</title>
        <h1>Problems of the TicketApp API</h1>
        <p>An error is answered as application/problem+json. Its type leads here.</p>
        {string.Concat(ProblemType.All.Select(type =>
            $"""
            <h2 id="{type.Name}">{type.Name}</h2>
            <p>{type.Status}: {HtmlEncoder.Default.Encode(type.Title)}. {HtmlEncoder.Default.Encode(type.Advice)}</p>

            """))}
        </html>

        """;
}

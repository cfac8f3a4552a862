
namespace TicketApp.Api.Http;

/// <summary>What goes wrong outside the endpoints of the resource API, as problems.</summary>
internal static class ProblemAnswers
{
    /// <summary>The body is not declared as JSON.</summary>
    public static Problem NotJson { get; } = ProblemType.NotJson.With("Send JSON, with the header Content-Type: application/json.");

    /// <summary>The problem of a status that nothing else explained.</summary>
    public static Problem OfStatus(int status) => status switch
    {
        StatusCodes.Status401Unauthorized =>
            ProblemType.KeyRequired.With("Send a key that is in force, with the header Authorization: Bearer."),
        StatusCodes.Status403Forbidden => ProblemType.KeyNotEnough.With("Use an administrator's key."),
        StatusCodes.Status404NotFound => ProblemType.NoSuchPath.With("See /openapi/v1.json for the paths that there are."),
        StatusCodes.Status405MethodNotAllowed => ProblemType.MethodNotAllowed.With("Use one of the methods that the header Allow names."),
        StatusCodes.Status413PayloadTooLarge => ProblemType.TooLarge.With("Send less at once."),
        StatusCodes.Status414UriTooLong =>
            ProblemType.InvalidRequest.With("The request line must have at most 8 KiB.") with { Status = status },
        StatusCodes.Status415UnsupportedMediaType => NotJson,
        StatusCodes.Status431RequestHeaderFieldsTooLarge =>
            ProblemType.InvalidRequest.With("There must be at most 100 headers, of 32 KiB together.") with { Status = status },
        StatusCodes.Status429TooManyRequests => ProblemType.TooManyRequests.With("Try again after the time in Retry-After."),
        _ => ProblemType.InvalidRequest.With("The request is not well-formed HTTP.") with { Status = status },
    };
}

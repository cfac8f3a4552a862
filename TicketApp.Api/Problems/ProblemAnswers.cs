using TicketApp.Api.Database;
using TicketApp.Api.Limits;

namespace TicketApp.Api.Problems;

/// <summary>What goes wrong outside the endpoints of the resource API, as problems.</summary>
internal static class ProblemAnswers
{
    /// <summary>The body is not declared as JSON.</summary>
    public static Problem NotJson { get; } = ProblemType.NotJson.With("Send JSON, with the header Content-Type: application/json.");

    /// <summary>The problem of a status that nothing else explained.</summary>
    public static Problem OfStatus(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => ProblemType.KeyRequired.With("Send a key that is in force, with the header Authorization: Bearer."),
        StatusCodes.Status403Forbidden => ProblemType.KeyNotEnough.With("Use an administrator's key."),
        StatusCodes.Status404NotFound => ProblemType.NoSuchPath.With("See /openapi/v1.json for the paths that there are."),
        StatusCodes.Status405MethodNotAllowed => ProblemType.MethodNotAllowed.With("Use one of the methods that the header Allow names."),
        StatusCodes.Status413PayloadTooLarge => ProblemType.TooLarge.With("Send less at once."),
        StatusCodes.Status415UnsupportedMediaType => NotJson,
        StatusCodes.Status429TooManyRequests => ProblemType.TooManyRequests.With("Try again after the time in Retry-After."),
        _ => ProblemType.InvalidRequest.With("The request is not well-formed HTTP.") with { Status = status },
    };

    /// <summary>The problem of an exception, with nothing of the inside told.</summary>
    public static Problem OfException(Exception exception) => exception switch
    {
        BadHttpRequestException bad => OfStatus(bad.StatusCode),
        UserLimitException => ProblemType.TooManyOpenTickets.With("Wait until some have finished, or cancel some."),
        OverloadedException => ProblemType.Overloaded.With("Try again after the time in Retry-After."),
        _ when DatabaseErrors.IsUnavailable(exception) => ProblemType.Unavailable.With("Try again after the time in Retry-After. Nothing is half-done."),
        _ => ProblemType.InternalError.With("It is in the log. Trying again may help."),
    };
}

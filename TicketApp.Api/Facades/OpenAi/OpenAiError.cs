using System.Globalization;
using System.Text.Json.Serialization;
using TicketApp.Api.Http;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>An error as OpenAI's API has it: the clients read its members, and make an exception of the status.</summary>
/// <param name="Message">What is wrong, in words.</param>
/// <param name="Type">Whose fault it is.</param>
/// <param name="Param">The parameter that is at fault, if one is.</param>
/// <param name="Code">What is wrong, in a stable word.</param>
internal sealed record OpenAiError(string Message, string Type, string? Param, string? Code)
{
    private const string InvalidRequest = "invalid_request_error";
    private const string ServerError = "server_error";

    /// <summary>The HTTP status.</summary>
    [JsonIgnore]
    public int Status { get; init; } = StatusCodes.Status400BadRequest;

    /// <summary>A request that cannot be taken as it is.</summary>
    public static OpenAiError Invalid(string? param, string code, string message) => new(message, InvalidRequest, param, code);

    /// <summary>There is no such thing, or it is another user's.</summary>
    public static OpenAiError NotFound(string message, string? param = null, string? code = null) =>
        Invalid(param, code!, message) with { Status = StatusCodes.Status404NotFound };

    /// <summary>The ticket ended without an answer, or cannot be waited for.</summary>
    public static OpenAiError Failed(string message, string code, int status = StatusCodes.Status500InternalServerError) =>
        new(message, ServerError, null, code) { Status = status };

    /// <summary>The same of a problem. Its names become the words of OpenAI's where those have one.</summary>
    public static OpenAiError Of(Problem problem)
    {
        var name = problem.Type.Split('#')[^1];
        var (param, message) = problem.Errors is { Count: > 0 } errors
            ? (errors.First().Key, string.Join(' ', errors.Select(field => $"'{field.Key}' {string.Join("; ", field.Value)}.")))
            : problem.Type == ProblemType.NoSuchPath.Uri
                ? ((string?)null, "Of this API there are responses, chat completions and models: see docs/compatibility.md.")
            : (null, $"{problem.Title}. {problem.Detail}");
        var (type, code) = problem.Status switch
        {
            StatusCodes.Status401Unauthorized => (InvalidRequest, "invalid_api_key"),
            StatusCodes.Status429TooManyRequests => ("requests", "rate_limit_exceeded"),
            >= StatusCodes.Status500InternalServerError => (ServerError, name.Replace('-', '_')),
            _ => (InvalidRequest, name.Replace('-', '_')),
        };
        return new(message, type, param, code) { Status = problem.Status };
    }

    public IResult ToResult() => ApiJson.WithStatus(Status, new OpenAiErrorBody(this), OpenAiJson.Default.OpenAiErrorBody);

    /// <summary>The same, with when to try again, where that may help.</summary>
    public IResult ToResult(HttpContext context)
    {
        if (Status == StatusCodes.Status503ServiceUnavailable)
        {
            context.Response.Headers.RetryAfter = "2";
        }

        return ToResult();
    }

    /// <summary>The same where asking again would have the work done again, which the clients do by themselves after a 5xx.</summary>
    public IResult ToFinalResult(HttpContext context)
    {
        context.Response.Headers["x-should-retry"] = "false";
        return ToResult();
    }
}

/// <summary>The body of every error.</summary>
internal sealed record OpenAiErrorBody(OpenAiError Error);

/// <summary>Ids as OpenAI's API writes them: a word for the kind, and the ticket's id.</summary>
internal static class OpenAiIds
{
    public const string Response = "resp_";
    public const string Completion = "chatcmpl-";
    private const string Message = "msg_";

    public static string Of(string kind, Guid ticketId) => $"{kind}{ticketId:N}";

    /// <summary>The message of a run: each attempt begins another one.</summary>
    public static string OfMessage(Guid ticketId, int epoch) =>
        string.Create(CultureInfo.InvariantCulture, $"{Message}{ticketId:N}{epoch:x8}");

    /// <summary>The ticket of a response; null for what is no response's id.</summary>
    public static Guid? TicketOf(string responseId) =>
        responseId.StartsWith(Response, StringComparison.Ordinal)
            && Guid.TryParseExact(responseId.AsSpan(Response.Length), "N", out var ticketId)
            ? ticketId
            : null;
}

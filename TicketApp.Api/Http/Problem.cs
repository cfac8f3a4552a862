using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;

namespace TicketApp.Api.Http;

/// <summary>The body of every error of the resource API, as RFC 9457 has it.</summary>
public sealed record Problem
{
    internal const string ContentType = "application/problem+json";

    /// <summary>Which kind of error it is, for programs; the service explains it there.</summary>
    [SchemaFormat("uri-reference")]
    public required string Type { get; init; }

    /// <summary>What kind of error it is, in words.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status.</summary>
    [Range(400, 599)]
    public required int Status { get; init; }

    /// <summary>What happened, and what to do about it.</summary>
    public required string Detail { get; init; }

    /// <summary>What is wrong with which field, where fields are at fault.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string[]>? Errors { get; init; }

    /// <summary>The same in the words of the original API, which has messages alone; null: its <see cref="Detail"/>.</summary>
    internal string? Message { get; init; }

    internal Utf8ContentHttpResult ToResult() => TypedResults.Text(ApiJson.Serialize(this, ApiJson.Default.Problem), ContentType, Status);
}

/// <summary>Gathers what is wrong with a request, field by field, so that a caller learns of all at once.</summary>
internal sealed class FieldErrors
{
    private readonly SortedDictionary<string, string[]> _errors = new(StringComparer.Ordinal);

    public bool Any => _errors.Count > 0;

    public void Add(string field, string error) =>
        _errors[field] = _errors.TryGetValue(field, out var before) ? [.. before, error] : [error];

    /// <summary>The problem that names them all.</summary>
    public Problem ToProblem(ProblemType? type = null) =>
        (type ?? ProblemType.InvalidRequest).With($"Correct {string.Join(", ", _errors.Keys)} and send the request again.", _errors);
}

/// <summary>What goes wrong outside the endpoints of the resource API, as problems.</summary>
internal static class ProblemAnswers
{
    /// <summary>The body is not declared as JSON.</summary>
    public static Problem NotJson { get; } = ProblemType.NotJson.With();

    /// <summary>The problem of a status that nothing else explained.</summary>
    public static Problem OfStatus(int status)
    {
        var problem = status switch
        {
            StatusCodes.Status401Unauthorized => ProblemType.KeyRequired.With(),
            StatusCodes.Status403Forbidden => ProblemType.KeyNotEnough.With(),
            StatusCodes.Status404NotFound => ProblemType.NoSuchPath.With(),
            StatusCodes.Status405MethodNotAllowed => ProblemType.MethodNotAllowed.With(),
            StatusCodes.Status413PayloadTooLarge => ProblemType.TooLarge.With(),
            StatusCodes.Status414UriTooLong =>
                ProblemType.InvalidRequest.With("The request line must have at most 8 KiB.") with { Status = status },
            StatusCodes.Status415UnsupportedMediaType => NotJson,
            StatusCodes.Status431RequestHeaderFieldsTooLarge =>
                ProblemType.InvalidRequest.With("There must be at most 100 headers, of 32 KiB together.") with { Status = status },
            StatusCodes.Status429TooManyRequests => ProblemType.TooManyRequests.With(),
            _ => ProblemType.InvalidRequest.With("The request is not well-formed HTTP.") with { Status = status },
        };
        return problem with { Message = problem.Message ?? "Bad request" };
    }
}

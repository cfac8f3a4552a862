using System.Text.Json.Serialization;
using TicketApp.Api.Http;

namespace TicketApp.Api.Facades.Replicate;

/// <summary>The body of every error of this API.</summary>
/// <param name="Title">What kind of error it is, in words.</param>
/// <param name="Detail">What happened, and what to do about it.</param>
/// <param name="Status">The HTTP status.</param>
internal sealed record ReplicateError(string Title, string Detail, int Status)
{
    /// <summary>What is wrong with which field of the body, or header.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<InvalidField>? InvalidFields { get; init; }

    /// <summary>A problem in this form.</summary>
    public static IResult ToResult(Problem problem)
    {
        var error = Of(problem);
        return ApiJson.WithStatus(error.Status, error, ReplicateJson.Default.ReplicateError);
    }

    private static ReplicateError Of(Problem problem)
    {
        if (problem.Errors is { } errors)
        {
            InvalidField[] fields =
                [.. from field in errors from description in field.Value select InvalidField.Of(field.Key, description)];
            return new(
                "Input validation failed",
                string.Concat(fields.Select(field => $"- {field.Field}: {field.Description}\n")),
                StatusCodes.Status422UnprocessableEntity)
            {
                InvalidFields = fields,
            };
        }

        return problem.Type == ProblemType.KeyRequired.Uri ? new("Unauthenticated", problem.Detail, problem.Status)
            : problem.Type == ProblemType.NoSuchPath.Uri
                ? new("Not found", "Of this API there are predictions, models and the secret of webhooks: see docs/compatibility.md.", 404)
            : new(problem.Title, problem.Detail, problem.Status);
    }
}

/// <summary>What is wrong with a field.</summary>
/// <param name="Type">A word for it.</param>
/// <param name="Field">Its name.</param>
/// <param name="Description">The same as a sentence without its subject.</param>
internal sealed record InvalidField(string Type, string Field, string Description)
{
    /// <summary>One by what is said of it.</summary>
    public static InvalidField Of(string field, string description) =>
        new(description.StartsWith("is required", StringComparison.Ordinal) ? "required" : "invalid", field, description);
}

using System.Text.Json.Nodes;

namespace TicketApp.Worker.Models;

/// <summary>What a model answers.</summary>
/// <param name="Response">The response, up to 1,000,000 characters.</param>
public sealed record ModelAnswer(string Response)
{
    /// <summary>What else there is to know of it, for example <c>{"probability":0.97}</c>.</summary>
    public JsonObject? Details { get; init; }

    public static implicit operator ModelAnswer(string response) => FromString(response);

    /// <summary>An answer without details.</summary>
    public static ModelAnswer FromString(string response) => new(response);
}

/// <summary>What became of one ticket of a batch: an answer, or why not.</summary>
/// <param name="Answer">The answer; null if it failed.</param>
/// <param name="Failure">As <see cref="IModel.RunAsync"/> would have thrown it; null if there is an answer.</param>
public sealed record ModelOutcome(ModelAnswer? Answer, Exception? Failure)
{
    public static ModelOutcome Answered(ModelAnswer answer) => new(answer, null);

    public static ModelOutcome Failed(Exception failure) => new(null, failure);
}

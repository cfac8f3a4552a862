using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using TicketApp.Messaging;

namespace TicketApp.Worker.Models;

/// <summary>What a model answers.</summary>
/// <param name="Response">The response, up to 1,000,000 characters: a string, or what <see cref="Json(string)"/> makes.</param>
public sealed record ModelAnswer(Payload Response)
{
    /// <summary>What else there is to know of it, for example <c>{"probability":0.97}</c>.</summary>
    public JsonObject? Details { get; init; }

    public static implicit operator ModelAnswer(string response) => FromString(response);

    public static implicit operator ModelAnswer(JsonElement response) => FromJsonElement(response);

    /// <summary>A text without details.</summary>
    public static ModelAnswer FromString(string response) => new(Payload.FromString(response));

    /// <summary>A JSON value without details. It may be nested 64 deep, and a string is a text.</summary>
    /// <exception cref="JsonException">It is <c>null</c>, or nested deeper.</exception>
    public static ModelAnswer FromJsonElement(JsonElement response) => Json(JsonMarshal.GetRawUtf8Value(response));

    /// <summary>The same of its text, which is passed on as it is.</summary>
    /// <exception cref="JsonException">It is not JSON, <c>null</c>, or nested deeper.</exception>
    public static ModelAnswer Json(string response) => Json(Encoding.UTF8.GetBytes(response));

    /// <inheritdoc cref="Json(string)"/>
    public static ModelAnswer Json(ReadOnlySpan<byte> response) =>
        new(Payload.FromJson(response) ?? throw new JsonException("The JSON value null is no response"));
}

/// <summary>What became of one ticket of a batch: an answer, or why not.</summary>
/// <param name="Answer">The answer; null if it failed.</param>
/// <param name="Failure">As <see cref="IModel.RunAsync"/> would have thrown it; null if there is an answer.</param>
public sealed record ModelOutcome(ModelAnswer? Answer, Exception? Failure)
{
    public static ModelOutcome Answered(ModelAnswer answer) => new(answer, null);

    public static ModelOutcome Failed(Exception failure) => new(null, failure);
}

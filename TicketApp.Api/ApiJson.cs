using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;
using TicketApp.Api.Tickets;
using TicketApp.Api.Users;

namespace TicketApp.Api;

/// <summary>The original API's JSON: snake_case, compiled serializers, <c>application/json; charset=utf-8</c>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(UserCreated))]
[JsonSerializable(typeof(TicketCreated))]
[JsonSerializable(typeof(TicketAnswer))]
[JsonSerializable(typeof(Message))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    public static JsonHttpResult<T> Ok<T>(T body, JsonTypeInfo<T> type) => TypedResults.Json(body, type);

    /// <summary>The original's form of everything that is not a result: <c>{"message":"…"}</c>.</summary>
    public static JsonHttpResult<Message> WithMessage(int status, string text) => TypedResults.Json(new Message(text), Default.Message, statusCode: status);
}

/// <summary>The body of every answer that carries no result.</summary>
/// <param name="Text">What happened, in words.</param>
public sealed record Message([property: JsonPropertyName("message")] string Text);

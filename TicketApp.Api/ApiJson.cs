using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;
using TicketApp.Api.Access;
using TicketApp.Api.Admin;
using TicketApp.Api.Changes;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Listing;
using TicketApp.Api.Models;
using TicketApp.Api.Problems;
using TicketApp.Api.Statistics;
using TicketApp.Api.Tickets;
using TicketApp.Api.Users;
using TicketApp.Api.Waiting;
using TicketApp.Api.Webhooks;

namespace TicketApp.Api;

/// <summary>The JSON of both APIs: snake_case, compiled serializers, <c>application/json; charset=utf-8</c>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(UserCreated))]
[JsonSerializable(typeof(TicketCreated))]
[JsonSerializable(typeof(TicketAnswer))]
[JsonSerializable(typeof(Message))]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(User))]
[JsonSerializable(typeof(CreateTicket))]
[JsonSerializable(typeof(Ticket))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(Dictionary<string, int>))]
[JsonSerializable(typeof(WebhookPayload))]
[JsonSerializable(typeof(WebhookSecret))]
[JsonSerializable(typeof(WebhookDeliveries))]
[JsonSerializable(typeof(WebhookDeliveryPage))]
[JsonSerializable(typeof(WebhookEndpointsOff))]
[JsonSerializable(typeof(TicketPage))]
[JsonSerializable(typeof(TicketProgress))]
[JsonSerializable(typeof(ServiceStatistics))]
[JsonSerializable(typeof(TicketBatch))]
[JsonSerializable(typeof(TicketBatchResult))]
[JsonSerializable(typeof(TicketChanges))]
[JsonSerializable(typeof(NewKey))]
[JsonSerializable(typeof(KeyList))]
[JsonSerializable(typeof(InvariantCounts))]
[JsonSerializable(typeof(DispatchState))]
[JsonSerializable(typeof(DeadTicketChange))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    public const string ContentType = "application/json; charset=utf-8";

    /// <summary>A result. Small enough to be written at once, with its length, where a JSON result would be sent in chunks.</summary>
    public static Utf8ContentHttpResult Ok<T>(T body, JsonTypeInfo<T> type) => TypedResults.Text(JsonSerializer.SerializeToUtf8Bytes(body, type), ContentType);

    /// <summary>The answer to a request that has created something.</summary>
    public static Utf8ContentHttpResult Created<T>(T body, JsonTypeInfo<T> type) => WithStatus(StatusCodes.Status201Created, body, type);

    /// <summary>A result with another status than 200.</summary>
    public static Utf8ContentHttpResult WithStatus<T>(int status, T body, JsonTypeInfo<T> type) => TypedResults.Text(JsonSerializer.SerializeToUtf8Bytes(body, type), ContentType, status);

    /// <summary>The original's form of everything that is not a result: <c>{"message":"…"}</c>.</summary>
    public static Utf8ContentHttpResult WithMessage(int status, string text) =>
        TypedResults.Text(JsonSerializer.SerializeToUtf8Bytes(new Message(text), Default.Message), ContentType, status);
}

/// <summary>The body of every answer that carries no result.</summary>
/// <param name="Text">What happened, in words.</param>
public sealed record Message([property: JsonPropertyName("message")] string Text);

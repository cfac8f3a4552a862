using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using TicketApp.Api.Http;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Webhooks;

/// <summary>The body of a webhook, as the Standard Webhooks specification has it.</summary>
/// <param name="Type"><c>ticket.started</c> or <c>ticket.finished</c>.</param>
/// <param name="Timestamp">When that happened.</param>
/// <param name="Truncated">Input and response are too large to send, and null: get the ticket for them. Absent otherwise.</param>
/// <param name="Data">The ticket as it was then.</param>
public sealed record WebhookPayload(
    [property: AllowedValues(Webhook.StartedEvent, Webhook.FinishedEvent)] string Type,
    DateTime Timestamp,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Truncated,
    TicketResource Data);

/// <summary>A new signing secret.</summary>
/// <param name="Secret">It, told here and never again: <c>whsec_</c> and base64.</param>
/// <param name="PreviousExpiresAt">Until when the one before it signs too; null if there was none.</param>
public sealed record WebhookSecret([property: RegularExpression("^whsec_[0-9A-Za-z+/]{43}=$")] string Secret, DateTime? PreviousExpiresAt);

/// <summary>An event on its way to its receiver, or at its end.</summary>
public sealed record WebhookDelivery
{
    /// <summary>The receiver's <c>webhook-id</c>.</summary>
    [RegularExpression("^msg_[0-9a-f]{32}$")]
    public required string Id { get; init; }

    public required Guid TicketId { get; init; }

    /// <summary><c>ticket.started</c> or <c>ticket.finished</c>.</summary>
    [AllowedValues(Webhook.StartedEvent, Webhook.FinishedEvent)]
    public required string Type { get; init; }

    public required Uri Url { get; init; }

    /// <summary><c>pending</c>, <c>delivered</c> or <c>dead</c>.</summary>
    [AllowedValues("pending", "delivered", "dead")]
    public required string Status { get; init; }

    public required DateTime CreatedAt { get; init; }

    /// <summary>When it is tried next; while an attempt is in progress, when that counts as lost. Null once it has ended.</summary>
    public DateTime? NextAttemptAt { get; init; }

    public required int AttemptCount { get; init; }

    /// <summary>The latest 20 attempts, newest first.</summary>
    public required IReadOnlyList<WebhookAttempt> Attempts { get; init; }
}

/// <summary>One request to a receiver.</summary>
/// <param name="Number">From 1.</param>
/// <param name="At">When it ended.</param>
/// <param name="DurationMs">How long it took.</param>
/// <param name="StatusCode">What the receiver answered; null if it did not.</param>
/// <param name="Error">A word for what went wrong where nothing was answered.</param>
public sealed record WebhookAttempt(
    [property: Range(1, int.MaxValue)] int Number,
    DateTime At,
    [property: Range(0, int.MaxValue)] int DurationMs,
    [property: Range(100, 999)] int? StatusCode,
    string? Error);

/// <summary>Deliveries of one ticket, newest first.</summary>
/// <param name="Results">At most 100.</param>
public sealed record WebhookDeliveries([property: SchemaLength(100)] IReadOnlyList<WebhookDelivery> Results);

/// <summary>A page of deliveries, newest first.</summary>
/// <param name="Results">Them.</param>
/// <param name="Next">The cursor of the next page; null on the last one.</param>
public sealed record WebhookDeliveryPage([property: SchemaLength(100)] IReadOnlyList<WebhookDelivery> Results, string? Next);

/// <summary>An endpoint that answered 410.</summary>
/// <param name="Url">Where nothing is sent any more for this user.</param>
/// <param name="OffSince">Since when.</param>
public sealed record DisabledEndpoint(Uri Url, DateTime OffSince);

/// <summary>A user's endpoints that answered 410, the latest first.</summary>
/// <param name="Results">At most 100.</param>
public sealed record DisabledEndpoints([property: SchemaLength(100)] IReadOnlyList<DisabledEndpoint> Results);

/// <summary>The compiled serializers of this folder.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(WebhookPayload))]
[JsonSerializable(typeof(WebhookSecret))]
[JsonSerializable(typeof(WebhookDeliveries))]
[JsonSerializable(typeof(WebhookDeliveryPage))]
[JsonSerializable(typeof(DisabledEndpoints))]
internal sealed partial class WebhookJson : JsonSerializerContext;

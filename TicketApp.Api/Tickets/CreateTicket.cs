using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using TicketApp.Api.Http;
using TicketApp.Messaging;

namespace TicketApp.Api.Tickets;

/// <summary>A ticket as it is submitted to the resource API.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CreateTicket
{
    /// <summary>Whose ticket it is.</summary>
    [Required, SchemaFormat("uuid")]
    public string? UserId { get; init; }

    /// <summary>The model that is to answer. Default: <c>simulated</c>.</summary>
    public string? Model { get; init; }

    /// <summary>What the model is asked: text, or any other JSON value.</summary>
    public Payload? Input { get; init; }

    /// <summary>How soon it comes when tickets wait: <c>low</c>, <c>normal</c> or <c>high</c>. Default: <c>normal</c>.</summary>
    [AllowedValues("low", "normal", "high")]
    public string? Priority { get; init; }

    /// <summary>How long it may take. Default: as the service is set up.</summary>
    public TicketPolicy? Policy { get; init; }

    /// <summary>Where to tell when it starts or ends. Default: nowhere.</summary>
    public WebhookRequest? Webhook { get; init; }
}

/// <summary>How long a ticket may take, in whole seconds.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record TicketPolicy
{
    // The most that Tickets:MaxDeadline may be.
    private const int MaxSeconds = 30 * 24 * 60 * 60;

    /// <summary>From creation to start; a ticket that nobody started by then ends as expired.</summary>
    [Range(1, MaxSeconds)]
    public int? QueueTtlS { get; init; }

    /// <summary>One run. Workers have a limit of their own, and the smaller one counts.</summary>
    [Range(1, MaxSeconds)]
    public int? ExecutionTimeoutS { get; init; }

    /// <summary>From creation to finish; a ticket over it ends as timed out.</summary>
    [Range(1, MaxSeconds)]
    public int? DeadlineS { get; init; }
}

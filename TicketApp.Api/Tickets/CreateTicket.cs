using System.Text.Json.Serialization;

namespace TicketApp.Api.Tickets;

/// <summary>A ticket as it is submitted to the resource API.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CreateTicket
{
    /// <summary>Whose ticket it is.</summary>
    public string? UserId { get; init; }

    /// <summary>The model that is to answer. Default: <c>simulated</c>.</summary>
    public string? Model { get; init; }

    /// <summary>What the model is asked.</summary>
    public string? Input { get; init; }

    /// <summary>How soon it comes when tickets wait: <c>low</c>, <c>normal</c> or <c>high</c>. Default: <c>normal</c>.</summary>
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
    /// <summary>From creation to start; a ticket that nobody started by then ends as expired.</summary>
    public int? QueueTtlS { get; init; }

    /// <summary>One run. Workers have a limit of their own, and the smaller one counts.</summary>
    public int? ExecutionTimeoutS { get; init; }

    /// <summary>From creation to finish; a ticket over it ends as timed out.</summary>
    public int? DeadlineS { get; init; }
}

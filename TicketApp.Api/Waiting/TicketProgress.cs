using System.Text.Json.Serialization;
using TicketApp.Api.Dispatch;

namespace TicketApp.Api.Waiting;

/// <summary>The data of the event <c>progress</c>: how an open ticket gets on.</summary>
public sealed record TicketProgress
{
    /// <summary>The ticket's status.</summary>
    public required string Status { get; init; }

    /// <summary>How far the run is, from 0 to 1, if its model says so.</summary>
    public double? Fraction { get; init; }

    /// <summary>What the answer has grown by since the report before, if its model says so.</summary>
    public string? Text { get; init; }

    /// <summary>Where the ticket stands, while it waits.</summary>
    public QueuePosition? Queue { get; init; }
}

/// <summary>The compiled serializers of this folder.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TicketProgress))]
internal sealed partial class WaitingJson : JsonSerializerContext;

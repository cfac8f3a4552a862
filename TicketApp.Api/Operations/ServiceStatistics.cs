using System.Text.Json.Serialization;

namespace TicketApp.Api.Operations;

/// <summary>How the service is doing, over all models and by model. Numbers are at stable paths, for autoscalers and pages.</summary>
public sealed record ServiceStatistics : ModelStatistics
{
    public ServiceStatistics(ModelStatistics total)
        : base(total)
    {
    }

    /// <summary>When the open tickets were counted; counting millions takes time, and is then done less often.</summary>
    public required DateTime AsOf { get; init; }

    /// <summary>Each model that has tickets or workers, by name.</summary>
    public required IReadOnlyDictionary<string, ModelStatistics> Models { get; init; }
}

/// <summary>How one model is doing, or all of them.</summary>
public record ModelStatistics
{
    /// <summary>Tickets that wait, for a slot or for their next attempt.</summary>
    public long Queued { get; init; }

    /// <summary>Tickets that run. Runs shorter than half a second are not seen running.</summary>
    public long Running { get; init; }

    /// <summary>Both together: what workers are scaled on.</summary>
    public long Open => Queued + Running;

    /// <summary>Since when the oldest open ticket was created, in seconds; 0 if none is open.</summary>
    public double OldestAgeSeconds { get; init; }

    /// <summary>Workers that were heard of lately.</summary>
    public int Workers { get; init; }

    /// <summary>How many tickets they run at once.</summary>
    public long Slots { get; init; }

    /// <summary>Half of the latest runs took no longer; null while there were none.</summary>
    public double? MedianRunSeconds { get; init; }

    /// <summary>How many tickets have ended in each state since the service counts them, some seconds late.</summary>
    public EndStatistics Finished { get; init; } = new();
}

/// <summary>Tickets by how they ended. A ticket that runs again after an end counts for each.</summary>
public sealed record EndStatistics
{
    public long Succeeded { get; init; }

    public long Failed { get; init; }

    public long TimedOut { get; init; }

    public long Expired { get; init; }

    public long Canceled { get; init; }
}

/// <summary>The compiled serializers of this folder.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ServiceStatistics))]
[JsonSerializable(typeof(InvariantCounts))]
[JsonSerializable(typeof(DeadTicketChange))]
[JsonSerializable(typeof(Erasure))]
internal sealed partial class OperationsJson : JsonSerializerContext;

namespace TicketApp.Bench.Load;

/// <summary>What a closed loop saw.</summary>
internal sealed class ClosedLoopResult
{
    public TimeSpan Duration { get; set; }

    /// <summary>Answers of the tickets that ended.</summary>
    public required IReadOnlyDictionary<string, TicketAnswer> Ended { get; init; }

    /// <summary>Tickets that were accepted and did not end before the deadline.</summary>
    public required int Lost { get; init; }

    /// <summary>Requests for a ticket that were answered 5xx.</summary>
    public required int Refused { get; init; }

    /// <summary>Of <c>POST /ticket</c>.</summary>
    public required Latencies Accept { get; init; }

    /// <summary>From sending <c>POST /ticket</c> to receiving the answer.</summary>
    public required Latencies EndToEnd { get; init; }

    public required long Requests { get; init; }

    public double TicketsPerSecond => Ended.Count / Duration.TotalSeconds;
}

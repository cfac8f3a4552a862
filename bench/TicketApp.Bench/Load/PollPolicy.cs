namespace TicketApp.Bench.Load;

/// <summary>When a caller asks again for a ticket's answer. The same for every system.</summary>
/// <param name="First">Pause between the ticket's acceptance and the first question.</param>
/// <param name="Factor">By which the pause grows with each further question.</param>
/// <param name="Longest">The longest pause.</param>
internal readonly record struct PollPolicy(TimeSpan First, double Factor, TimeSpan Longest)
{
    /// <summary>2, 4, 8, 16, 32, 50, 50 … ms: a caller in a hurry who does not want to be a nuisance.</summary>
    public static PollPolicy Doubling { get; } = new(TimeSpan.FromMilliseconds(2), 2, TimeSpan.FromMilliseconds(50));

    /// <summary>Every 2 ms, for latency: what a question costs is at most 2 ms late.</summary>
    public static PollPolicy Fine { get; } = new(TimeSpan.FromMilliseconds(2), 1, TimeSpan.FromMilliseconds(2));

    public TimeSpan Next(TimeSpan pause) => pause * Factor < Longest ? pause * Factor : Longest;
}

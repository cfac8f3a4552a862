namespace TicketApp.Bench.Charts;

/// <summary>A chart of figures in a result file.</summary>
/// <param name="File">Its name, without <c>bench-</c> and <c>.svg</c>.</param>
/// <param name="Title">What it shows.</param>
/// <param name="Command">The command whose result it is drawn from.</param>
/// <param name="Figures">The figures: one group of bars each.</param>
/// <param name="Subjects">The subjects: one bar of each group; empty: all that have the figures.</param>
internal sealed record ChartDescription(
    string File, string Title, string Command, IReadOnlyList<string> Figures, IReadOnlyList<string> Subjects)
{
    private static readonly string[] _systems = ["TicketApp", .. BenchOptions.Baselines.Select(baseline => baseline.Name)];

    /// <summary>The charts of docs/benchmarks.md.</summary>
    public static IReadOnlyList<ChartDescription> All { get; } =
    [
        new("throughput", "Completed tickets per second, closed loop", "compare", ["tickets/s"], _systems),
        new(
            "cpu", "CPU seconds per 1,000 tickets", "compare",
            ["CPU per 1,000 tickets", "  api", "  worker", "  postgres", "  rabbitmq", "  redis"],
            _systems),
        new(
            "latency", "Latency at a fixed rate, ms from the scheduled time", "compare",
            ["accept p50", "accept p99", "end to end (asked every 2 ms) p50", "end to end (asked every 2 ms) p99"],
            _systems),
        new("memory", "Memory under load, MB", "compare", ["memory of the Api", "memory of the worker"], _systems),
        new(
            "limits", "What the machine itself can do, per second", "limits",
            [
                "INSERT of one row, 1 clients", "INSERT of one row, 64 clients", "rows by INSERT of 100, 8 clients",
                "publish and confirm, 1 in flight", "publish and confirm, 1024 in flight",
                "consume, an ack for each", "consume, an ack for 50", "empty POST through Kestrel",
            ],
            []),
        new(
            "backlog", "Tickets ended per second with a backlog, and with finished tickets stored", "backlog",
            ["tickets/s", "ended/s"],
            []),
    ];
}

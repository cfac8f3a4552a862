using TicketApp.Bench.Load;
using TicketApp.Bench.Processes;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Commands;

/// <summary>
/// The closed and then the open loop over variants of TicketApp. All stay up, each on servers of its own, and each round measures one after
/// the other, beginning with another: what the machine does better or worse from minute to minute, it does for all of them. After a few
/// rounds all are started again: one start differs from the next by some percent, for as long as it runs. Ratios to the first.
/// </summary>
internal static class VariantRounds
{
    /// <summary>Says whether the servers of a variant are replicated, whatever <see cref="BenchOptions.IsReplicated"/> says.</summary>
    public const string Replicated = "HA";

    private const int RoundsAStart = 4;

    private static readonly string[] _compared =
    [
        "tickets/s", "CPU per 1,000 tickets", "  api",
        "end to end (asked every 2 ms) p50", "end to end (asked every 2 ms) p99",
        "finished in the database p50", "finished in the database p99",
    ];

    public static async Task RunAsync(BenchSession session, IReadOnlyList<Variant> variants, CancellationToken cancellationToken)
    {
        if (session.Options.Database is not null)
        {
            throw new InvalidOperationException(
                "Variants are compared side by side, each on servers of its own: leave out --database and --broker.");
        }

        foreach (var rounds in Enumerable.Range(0, session.Options.Rounds).Chunk(RoundsAStart))
        {
            await RunAsync(session, variants, rounds, [], cancellationToken);
        }

        foreach (var variant in variants.Skip(1))
        {
            foreach (var name in _compared)
            {
                session.Sheet.AddRatio($"{variant.Name} / {variants[0].Name}", name, variant.Name, variants[0].Name);
            }
        }
    }

    /// <summary>Starts those that do not run yet, one inside the other, so that each is always stopped; then measures.</summary>
    private static async Task RunAsync(
        BenchSession shared,
        IReadOnlyList<Variant> variants,
        IReadOnlyList<int> rounds,
        IReadOnlyList<Running> running,
        CancellationToken cancellationToken)
    {
        if (running.Count == variants.Count)
        {
            await MeasureAsync(shared, rounds, running, cancellationToken);
            return;
        }

        var variant = variants[running.Count];
        BenchSession.Say($"starting and warming up: {variant.Name}");
        var isReplicated = bool.Parse(variant.Environment.GetValueOrDefault(Replicated, shared.Options.IsReplicated.ToString()));
        await using var host = await ServerHost.StartAsync(isReplicated, shared.Options, cancellationToken);
        BenchSession session = new(shared.Options, host.Servers, shared.Sheet);
        await using var system = await session.TicketApp.StartAsync(variant.Environment, cancellationToken);
        using var callers = await session.WarmUpAsync(system, cancellationToken);
        await RunAsync(shared, variants, rounds, [.. running, new(variant.Name, session, system, callers)], cancellationToken);
    }

    private static async Task MeasureAsync(
        BenchSession shared, IReadOnlyList<int> rounds, IReadOnlyList<Running> running, CancellationToken cancellationToken)
    {
        foreach (var round in rounds)
        {
            BenchSession.Say($"round {round + 1} of {shared.Options.Rounds}");
            var first = round % running.Count;
            foreach (var variant in running.Skip(first).Concat(running.Take(first)))
            {
                await ThroughputRound.RunAsync(variant.Session, variant.System, variant.Callers, variant.Name, cancellationToken);
                await LatencyRound.RunAsync(variant.Session, variant.System, variant.Name, cancellationToken);
            }
        }
    }

    /// <summary>A variant that runs, and who calls it.</summary>
    private sealed record Running(string Name, BenchSession Session, SystemUnderTest System, Callers Callers);
}

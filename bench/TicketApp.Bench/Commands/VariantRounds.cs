using TicketApp.Bench.Processes;

namespace TicketApp.Bench.Commands;

/// <summary>The closed and then the open loop over variants of TicketApp, one after the other in each round, each started anew; ratios to the first.</summary>
internal static class VariantRounds
{
    private static readonly string[] _compared = ["tickets/s", "CPU per 1,000 tickets", "finished in the database p50", "finished in the database p99"];

    public static async Task RunAsync(BenchSession session, IReadOnlyList<Variant> variants, CancellationToken cancellationToken)
    {
        for (var round = 1; round <= session.Options.Rounds; round++)
        {
            foreach (var variant in variants)
            {
                BenchSession.Say($"round {round} of {session.Options.Rounds}: {variant.Name}");
                await using var system = await session.TicketApp.StartAsync(variant.Environment, cancellationToken);
                using var callers = await session.WarmUpAsync(system, cancellationToken);
                await ThroughputRound.RunAsync(session, system, callers, variant.Name, cancellationToken);
                await LatencyRound.RunAsync(session, system, variant.Name, cancellationToken);
            }
        }

        foreach (var variant in variants.Skip(1))
        {
            foreach (var name in _compared)
            {
                session.Sheet.AddRatio($"{variant.Name} / {variants[0].Name}", name, variant.Name, variants[0].Name);
            }
        }
    }
}

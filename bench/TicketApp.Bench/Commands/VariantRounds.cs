using TicketApp.Bench.Processes;

namespace TicketApp.Bench.Commands;

/// <summary>The closed loop over variants of TicketApp, one after the other in each round, each started anew; ratios to the first.</summary>
internal static class VariantRounds
{
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
            }
        }

        foreach (var variant in variants.Skip(1))
        {
            session.Sheet.AddRatio($"{variant.Name} / {variants[0].Name}", "tickets/s", variant.Name, variants[0].Name);
            session.Sheet.AddRatio($"{variant.Name} / {variants[0].Name}", "CPU per 1,000 tickets", variant.Name, variants[0].Name);
        }
    }
}

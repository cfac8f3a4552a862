using TicketApp.Bench.Load;
using TicketApp.Bench.Processes;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Commands;

/// <summary>
/// The closed and then the open loop over variants of TicketApp. All stay up, each on servers of its own, and each round measures one after the other,
/// beginning with another: what the machine does better or worse from minute to minute, it does for all of them. After a few rounds all are started anew: one
/// start differs from the next by some percent, for as long as it runs. Ratios to the first.
/// </summary>
internal static class VariantRounds
{
    private const int RoundsAStart = 4;

    private static readonly string[] _compared = ["tickets/s", "CPU per 1,000 tickets", "  api", "finished in the database p50", "finished in the database p99"];

    public static async Task RunAsync(BenchSession session, IReadOnlyList<Variant> variants, CancellationToken cancellationToken)
    {
        if (session.Options.Database is not null)
        {
            throw new InvalidOperationException("Variants are compared side by side, each on servers of its own: leave out --database and --broker.");
        }

        for (var first = 0; first < session.Options.Rounds; first += RoundsAStart)
        {
            await RunAsync(session, variants, first, Math.Min(first + RoundsAStart, session.Options.Rounds), cancellationToken);
        }

        foreach (var variant in variants.Skip(1))
        {
            foreach (var name in _compared)
            {
                session.Sheet.AddRatio($"{variant.Name} / {variants[0].Name}", name, variant.Name, variants[0].Name);
            }
        }
    }

    private static async Task RunAsync(BenchSession session, IReadOnlyList<Variant> variants, int first, int end, CancellationToken cancellationToken)
    {
        List<Running> all = [];
        try
        {
            foreach (var variant in variants)
            {
                BenchSession.Say($"starting and warming up: {variant.Name}");
                all.Add(await Running.StartAsync(session, variant, cancellationToken));
            }

            for (var round = first; round < end; round++)
            {
                BenchSession.Say($"round {round + 1} of {session.Options.Rounds}");
                foreach (var variant in all.Skip(round % all.Count).Concat(all.Take(round % all.Count)))
                {
                    await ThroughputRound.RunAsync(variant.Session, variant.System, variant.Callers, variant.Name, cancellationToken);
                    await LatencyRound.RunAsync(variant.Session, variant.System, variant.Name, cancellationToken);
                }
            }
        }
        finally
        {
            foreach (var variant in all)
            {
                await variant.DisposeAsync();
            }
        }
    }

    /// <summary>A variant that runs, and who calls it.</summary>
    private sealed record Running(string Name, ServerHost Host, BenchSession Session, SystemUnderTest System, Callers Callers) : IAsyncDisposable
    {
        public static async Task<Running> StartAsync(BenchSession shared, Variant variant, CancellationToken cancellationToken)
        {
            var host = await ServerHost.StartAsync(cancellationToken);
            BenchSession session = new(shared.Options, new BenchServers(host.Database, host.Broker), shared.Sheet);
            var system = await session.TicketApp.StartAsync(variant.Environment, cancellationToken);
            return new(variant.Name, host, session, system, await session.WarmUpAsync(system, cancellationToken));
        }

        public async ValueTask DisposeAsync()
        {
            Callers.Dispose();
            await System.DisposeAsync();
            await Host.DisposeAsync();
        }
    }
}

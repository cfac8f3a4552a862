using TicketApp.Bench.Load;
using TicketApp.Bench.Processes;

namespace TicketApp.Bench.Commands;

/// <summary>TicketApp and the baselines by turns, on the same servers and driver: on a shared machine only their ratio counts.</summary>
internal sealed class CompareCommand : IBenchCommand
{
    private static readonly string[] _compared =
    [
        "tickets/s", "CPU per 1,000 tickets", "accept p50", "accept p99",
        "end to end (asked every 2 ms) p50", "end to end (asked every 2 ms) p99",
        "finished in the database p50", "finished in the database p99",
        "memory of the Api", "memory of the worker",
    ];

    public string Name => "compare";

    public string Description =>
        "Interleaved rounds of TicketApp and other services (--against): throughput, CPU, latency at a fixed rate, and their ratios";

    public async Task RunAsync(BenchSession session, CancellationToken cancellationToken)
    {
        ISystemStarter[] starters = [session.TicketApp, .. session.Baselines];
        List<(SystemUnderTest System, Callers? Callers)> running = [];
        try
        {
            foreach (var starter in starters)
            {
                BenchSession.Say($"warming up {starter.Name}");
                var system = await starter.StartAsync(new Dictionary<string, string>(), cancellationToken);
                // In the list before it is warm, so that it is stopped whatever happens.
                running.Add((system, null));
                running[^1] = (system, await session.WarmUpAsync(system, cancellationToken));
            }

            await RunRoundsAsync(session, running, cancellationToken);
        }
        finally
        {
            foreach (var (system, callers) in running)
            {
                callers?.Dispose();
                await system.DisposeAsync();
            }
        }

        foreach (var baseline in session.Baselines)
        {
            foreach (var name in _compared)
            {
                session.Sheet.AddRatio($"{session.TicketApp.Name} / {baseline.Name}", name, session.TicketApp.Name, baseline.Name);
            }
        }
    }

    private static async Task RunRoundsAsync(
        BenchSession session, List<(SystemUnderTest System, Callers? Callers)> running, CancellationToken cancellationToken)
    {
        for (var round = 1; round <= session.Options.Rounds; round++)
        {
            foreach (var (system, callers) in running)
            {
                BenchSession.Say($"throughput, round {round} of {session.Options.Rounds}: {system.Name}");
                await ThroughputRound.RunAsync(session, system, callers!, null, cancellationToken);
            }
        }

        for (var round = 1; round <= session.Options.Rounds; round++)
        {
            foreach (var (system, _) in running)
            {
                BenchSession.Say($"latency, round {round} of {session.Options.Rounds}: {system.Name}");
                await LatencyRound.RunAsync(session, system, null, cancellationToken);
                await LatencyRound.RunLoneAsync(session, system, cancellationToken);
            }
        }
    }
}

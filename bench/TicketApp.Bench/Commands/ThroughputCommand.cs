using TicketApp.Bench.Processes;

namespace TicketApp.Bench.Commands;

/// <summary>Completed tickets per second and what they cost, closed loop.</summary>
internal sealed class ThroughputCommand : IBenchCommand
{
    public string Name => "throughput";

    public string Description => "Closed loop: tickets per second, CPU per 1,000 tickets by process, memory; lost and wrong ones";

    public async Task RunAsync(BenchSession session, CancellationToken cancellationToken)
    {
        await using var system = await session.TicketApp.StartAsync(new Dictionary<string, string>(), cancellationToken);
        BenchSession.Say($"warming up (api {system.Api.Id}, worker {system.Worker.Id})");
        using var callers = await session.WarmUpAsync(system, cancellationToken);
        await HoldAsync(session, system, cancellationToken);
        for (var round = 1; round <= session.Options.Rounds; round++)
        {
            BenchSession.Say($"round {round} of {session.Options.Rounds}");
            await ThroughputRound.RunAsync(session, system, callers, null, cancellationToken);
        }
    }

    private static async Task HoldAsync(BenchSession session, SystemUnderTest system, CancellationToken cancellationToken)
    {
        if (session.Options.Hold > 0)
        {
            var servers = string.Join(", ", session.Servers.Trees.Select(tree => $"{tree.Name} {tree.RootId}"));
            BenchSession.Say(
                $"warm; api {system.Api.Id}, worker {system.Worker.Id}, {servers}; holding for {session.Options.Hold} s");
            await Task.Delay(TimeSpan.FromSeconds(session.Options.Hold), cancellationToken);
        }
    }
}

namespace TicketApp.Bench.Commands;

/// <summary>Latency at a fixed rate, and of a lone ticket.</summary>
internal sealed class LatencyCommand : IBenchCommand
{
    public string Name => "latency";

    public string Description => "Open loop at a fixed rate, latency from the scheduled time; a lone ticket on an idle system";

    public async Task RunAsync(BenchSession session, CancellationToken cancellationToken)
    {
        await using var system = await session.TicketApp.StartAsync(new Dictionary<string, string>(), cancellationToken);
        BenchSession.Say("warming up");
        (await session.WarmUpAsync(system, cancellationToken)).Dispose();
        for (var round = 1; round <= session.Options.Rounds; round++)
        {
            BenchSession.Say($"round {round} of {session.Options.Rounds}");
            await LatencyRound.RunAsync(session, system, null, cancellationToken);
            await LatencyRound.RunLoneAsync(session, system, cancellationToken);
        }
    }
}

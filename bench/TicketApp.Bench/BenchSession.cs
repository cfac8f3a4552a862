using TicketApp.Bench.Load;
using TicketApp.Bench.Processes;
using TicketApp.Bench.Reports;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench;

/// <summary>What one command works with.</summary>
/// <param name="Options">The command line.</param>
/// <param name="Servers">The servers that all systems share.</param>
/// <param name="Sheet">Where figures go.</param>
internal sealed record BenchSession(BenchOptions Options, BenchServers Servers, FigureSheet Sheet)
{
    public ISystemStarter TicketApp { get; } = new TicketAppStarter(Servers, Options.RepositoryRoot, Options.Configuration);

    /// <summary>Says what happens now.</summary>
    public static void Say(string text) => Console.Error.WriteLine($"{DateTimeOffset.Now:HH:mm:ss} {text}");

    /// <summary>A caller with users for a system, after enough requests for the runtime's tiered compilation to be through.</summary>
    public async Task<(TicketClient Client, byte[][] Users)> WarmUpAsync(SystemUnderTest system, CancellationToken cancellationToken)
    {
        TicketClient client = new(system.Address, Options.Connections);
        var users = await TicketUsers.CreateAsync(client, cancellationToken);
        while (client.Requests < Options.WarmUpRequests)
        {
            await new ClosedLoop(client, users, Options.Connections).RunAsync(Math.Max(1, Options.WarmUpRequests / 10), cancellationToken);
        }

        return (client, users);
    }
}

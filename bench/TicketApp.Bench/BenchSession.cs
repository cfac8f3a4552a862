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
    public TicketAppStarter TicketApp { get; } = new TicketAppStarter(Servers, Options);

    /// <summary>What TicketApp is compared with, as <see cref="BenchOptions.Against"/> says.</summary>
    public IReadOnlyList<ISystemStarter> Baselines { get; } =
    [
        .. from baseline in BenchOptions.Baselines
           where Options.IsAgainst(baseline.Key)
           select baseline.Key == BullMqStarter.Key
               ? (ISystemStarter)new BullMqStarter(Options)
               : new BaselineStarter(baseline.Name, baseline.Key, Servers, Options),
    ];

    /// <summary>Says what happens now.</summary>
    public static void Say(string text) => Console.Error.WriteLine($"{DateTimeOffset.Now:HH:mm:ss} {text}");

    /// <summary>
    /// Callers of a system, as many for each of its replicas, after enough requests for the runtime's tiered compilation to be through.
    /// </summary>
    public async Task<Callers> WarmUpAsync(SystemUnderTest system, CancellationToken cancellationToken)
    {
        Callers callers = new(system.Addresses, Options.Connections * system.Addresses.Count);
        for (long requests = 0; requests < Options.WarmUpRequests;)
        {
            TicketLoad load = new() { Tickets = Math.Max(1, Options.WarmUpRequests / 10) };
            await callers.RunAsync(load, cancellationToken);
            requests += load.Requests;
            if (load.Lost + load.Refused > 0)
            {
                throw new InvalidOperationException(
                    $"{system.Name} lost {load.Lost} and refused {load.Refused} tickets while it warmed up; see its logs.");
            }
        }

        return callers;
    }
}

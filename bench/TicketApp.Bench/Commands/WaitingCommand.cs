using TicketApp.Bench.Load;
using TicketApp.Bench.Machine;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Commands;

/// <summary>Many long runs in one worker: what each costs while it waits.</summary>
internal sealed class WaitingCommand : IBenchCommand
{
    private const int Runs = 10_000;
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _settle = TimeSpan.FromSeconds(15);

    private static readonly Dictionary<string, string> _settings = new()
    {
        ["Simulator__MinDuration"] = "00:30:00",
        ["Simulator__MaxDuration"] = "00:30:00",
        ["Worker__Concurrency"] = $"{Runs}",
        ["Worker__ExecutionTimeout"] = "01:00:00",
        ["Worker__DrainTimeout"] = "00:00:00",
        ["Tickets__Deadline"] = "01:00:00",
    };

    public string Name => "waiting";

    public string Description => "Memory and threads of one worker with 10,000 long runs in progress, and what keeping them alive costs";

    public async Task RunAsync(BenchSession session, CancellationToken cancellationToken)
    {
        await using var system = await session.TicketApp.StartAsync(_settings, cancellationToken);
        Add("before");
        using Callers callers = new(system.Addresses, session.Options.Connections);
        TicketLoad load = new() { Tickets = Runs, Polling = null };
        await callers.RunAsync(load, cancellationToken);
        using CancellationTokenSource timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(_limit);
        while (await RunningAsync(timeout.Token) < Runs)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(500), timeout.Token);
        }

        var meter = CpuMeter.Start([.. system.Trees, .. session.Servers.Trees]);
        // A heartbeat and a half of each run.
        await Task.Delay(_settle, cancellationToken);
        foreach (var (name, seconds) in meter.Stop())
        {
            session.Sheet.Add("10,000 runs", $"CPU of {name}, of one core", "%", 100 * seconds / _settle.TotalSeconds);
        }

        Add("10,000 runs");
        session.Sheet.Add("10,000 runs", "running in the database", "", await RunningAsync(cancellationToken));

        void Add(string subject)
        {
            session.Sheet.Add(subject, "memory of the worker", "MB", ProcessStatus.MemoryMegabytes(system.Worker.Id));
            session.Sheet.Add(subject, "threads of the worker", "", ProcessStatus.Read(system.Worker.Id)!.Value.Threads);
            session.Sheet.Add(subject, "memory of the Api", "MB", ProcessStatus.MemoryMegabytes(system.Api.Id));
        }

        Task<long> RunningAsync(CancellationToken token) =>
            BenchServers.ScalarAsync<long>(system.Database, "select count(*) from tickets where status = 'running'", token);
    }
}

using TicketApp.Bench.Load;
using TicketApp.Bench.Machine;
using TicketApp.Bench.Processes;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Commands;

/// <summary>One measured closed loop, with the CPU time that each part of the system took for it.</summary>
internal static class ThroughputRound
{
    /// <param name="session">Where the figures go.</param>
    /// <param name="system">What is measured.</param>
    /// <param name="callers">Who calls.</param>
    /// <param name="subject">The name in the tables; null: the system's.</param>
    /// <param name="cancellationToken">Ends the round.</param>
    public static async Task RunAsync(
        BenchSession session, SystemUnderTest system, Callers callers, string? subject, CancellationToken cancellationToken)
    {
        ProcessTree[] trees = [.. system.Trees, .. system.HasDatabase ? session.Servers.Trees : []];
        string[] parts = [.. trees.Select(tree => tree.Name).Distinct()];
        var meter = CpuMeter.Start([.. trees, new("driver", Environment.ProcessId, IsAlone: true)]);
        TicketLoad load = new() { Tickets = session.Options.Tickets };
        await callers.RunAsync(load, cancellationToken);
        var cpu = meter.Stop();
        var changed = callers.CountChanged(load);
        var thousands = load.Ended.Count / 1000.0;
        Add("tickets/s", "", load.TicketsPerSecond);
        Add("CPU per 1,000 tickets", "s", parts.Sum(part => cpu[part]) / thousands);
        foreach (var part in parts)
        {
            Add($"  {part}", "s", cpu[part] / thousands);
        }

        Add("  (driver, not counted)", "s", cpu["driver"] / thousands);
        Add("memory of the Api", "MB", ProcessStatus.MemoryMegabytes(system.Api.Id));
        Add("memory of the worker", "MB", ProcessStatus.MemoryMegabytes(system.Worker.Id));
        Add("requests per ticket", "", (double)load.Requests / load.Ended.Count);
        Add("closed loop accept p50", "ms", load.Accept.Percentile(50));
        Add("closed loop end to end p50", "ms", load.EndToEnd.Percentile(50));
        Add("closed loop end to end p99", "ms", load.EndToEnd.Percentile(99));
        Add("not succeeded", "", load.Ended.Values.Count(answer => !answer.IsSucceeded));
        Add("refused", "", load.Refused);
        Add("lost", "", load.Lost);
        Add("wrong", "", changed);
        if (system.HasDatabase)
        {
            Add("open in the database", "", await BenchServers.ScalarAsync<long>(
                system.Database, "select count(*) from tickets where time_finished is null", cancellationToken));
        }

        void Add(string name, string unit, double value) => session.Sheet.Add(subject ?? system.Name, name, unit, value);
    }
}

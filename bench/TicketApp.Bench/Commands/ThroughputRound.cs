using TicketApp.Bench.Load;
using TicketApp.Bench.Machine;
using TicketApp.Bench.Processes;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Commands;

/// <summary>One measured closed loop, with the CPU time that each part of the system took for it.</summary>
internal static class ThroughputRound
{
    private static readonly string[] SystemParts = ["api", "worker", "postgres", "rabbitmq"];

    /// <param name="session">Where the figures go.</param>
    /// <param name="system">What is measured.</param>
    /// <param name="client">A warm caller.</param>
    /// <param name="users">Its users.</param>
    /// <param name="subject">The name in the tables; null: the system's.</param>
    /// <param name="cancellationToken">Ends the round.</param>
    public static async Task RunAsync(
        BenchSession session, SystemUnderTest system, TicketClient client, byte[][] users, string? subject, CancellationToken cancellationToken)
    {
        subject ??= system.Name;
        ClosedLoop loop = new(client, users, session.Options.Connections);
        var meter = CpuMeter.Start([.. system.Trees, .. session.Servers.Trees, new("driver", Environment.ProcessId)]);
        var result = await loop.RunAsync(session.Options.Tickets, cancellationToken);
        var cpu = meter.Stop();
        var changed = await loop.CountChangedAsync(cancellationToken);
        var open = await BenchServers.ScalarAsync<long>(system.Database, "select count(*) from tickets where time_finished is null", cancellationToken);

        var thousands = result.Ended.Count / 1000.0;
        Add("tickets/s", "", result.TicketsPerSecond);
        Add("CPU per 1,000 tickets", "s", SystemParts.Sum(part => cpu[part]) / thousands);
        foreach (var part in SystemParts)
        {
            Add($"  {part}", "s", cpu[part] / thousands);
        }

        Add("  (driver, not counted)", "s", cpu["driver"] / thousands);
        Add("memory of the Api", "MB", ProcessStatus.MemoryMegabytes(system.Api.Id));
        Add("memory of the worker", "MB", ProcessStatus.MemoryMegabytes(system.Worker.Id));
        Add("requests per ticket", "", (double)result.Requests / result.Ended.Count);
        Add("accept p50", "ms", result.Accept.Percentile(50));
        Add("end to end p50", "ms", result.EndToEnd.Percentile(50));
        Add("end to end p99", "ms", result.EndToEnd.Percentile(99));
        Add("not succeeded", "", result.Ended.Values.Count(answer => !answer.IsSucceeded));
        Add("refused", "", result.Refused);
        Add("lost", "", result.Lost);
        Add("wrong", "", changed);
        Add("open in the database", "", open);

        void Add(string name, string unit, double value) => session.Sheet.Add(subject, name, unit, value);
    }
}

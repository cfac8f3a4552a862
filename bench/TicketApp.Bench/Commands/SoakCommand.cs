using System.Globalization;
using TicketApp.Bench.Load;
using TicketApp.Bench.Machine;
using TicketApp.Bench.Processes;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Commands;

/// <summary>
/// A steady load for hours, with retention on: whether memory, latency and the sizes of tables and indexes stay as they are. A figure has a
/// value for each slice of time, and the last against the first quarter says what has grown.
/// </summary>
internal sealed class SoakCommand : IBenchCommand
{
    private const int CallerCount = 512;
    private static readonly TimeSpan _slice = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _kept = TimeSpan.FromMinutes(5);

    // One slice for tickets to reach the age at which they are removed, and one to settle, are not compared.
    private static readonly int _settling = (int)(_kept / _slice) + 2;

    private static readonly Dictionary<string, string> _settings = new() { ["Retention__FinishedFor"] = _kept.ToString() };

    public string Name => "soak";

    public string Description =>
        "A steady load (--rate, --seconds) with retention: latency, memory, sizes of tables and indexes, minute by minute";

    public async Task RunAsync(BenchSession session, CancellationToken cancellationToken)
    {
        await using var system = await session.TicketApp.StartAsync(_settings, cancellationToken);
        using (await session.WarmUpAsync(system, cancellationToken))
        {
        }

        using Callers callers = new(system.Addresses, CallerCount);
        var slices = Math.Max(1, (int)(TimeSpan.FromSeconds(session.Options.Seconds) / _slice));
        for (var slice = 1; slice <= slices; slice++)
        {
            await MeasureAsync(session, system, callers, cancellationToken);
            BenchSession.Say(string.Create(
                CultureInfo.InvariantCulture,
                $"minute {slice} of {slices}: p99 {Last("end to end p99"):0.0} ms, Api {Last("memory of the Api"):0} MB, "
                + $"tickets {Last("table tickets"):0} MB and {Last("indexes of tickets"):0} MB"));
        }

        foreach (var figure in session.Sheet.Figures.ToList())
        {
            var steady = figure.Values.Skip(_settling).ToArray();
            if (steady.Length >= 4)
            {
                var quarter = steady.Length / 4;
                session.Sheet.Add("last quarter", figure.Name, figure.Unit, steady[^quarter..].Average());
                session.Sheet.Add("first quarter", figure.Name, figure.Unit, steady[..quarter].Average());
            }
        }

        double Last(string name) => session.Sheet.Find(system.Name, name)!.Values[^1];
    }

    private static async Task MeasureAsync(
        BenchSession session, SystemUnderTest system, Callers callers, CancellationToken cancellationToken)
    {
        var meter = CpuMeter.Start([.. system.Trees, .. session.Servers.Trees]);
        TicketLoad load = new()
        {
            Tickets = (int)(session.Options.Rate * _slice.TotalSeconds),
            Rate = session.Options.Rate,
            Polling = PollPolicy.Doubling,
        };
        await callers.RunAsync(load, cancellationToken);
        Add("tickets/s", "", load.TicketsPerSecond);
        Add("CPU per 1,000 tickets", "s", meter.Stop().Values.Sum() / load.Ended.Count * 1000);
        Add("accept p99", "ms", load.Accept.Percentile(99));
        Add("end to end p50", "ms", load.EndToEnd.Percentile(50));
        Add("end to end p99", "ms", load.EndToEnd.Percentile(99));
        Add("refused", "", load.Refused);
        Add("lost", "", load.Lost);
        Add("memory of the Api", "MB", ProcessStatus.MemoryMegabytes(system.Api.Id));
        Add("memory of the worker", "MB", ProcessStatus.MemoryMegabytes(system.Worker.Id));
        Add("memory of RabbitMQ", "MB", ProcessStatus.MemoryMegabytes(session.Servers.Trees.First(tree => tree.Name == "rabbitmq").RootId));
        Add("table tickets", "MB", await MegabytesAsync("pg_table_size('tickets')"));
        Add("indexes of tickets", "MB", await MegabytesAsync("pg_indexes_size('tickets')"));
        Add("database", "MB", await MegabytesAsync("pg_database_size(current_database())"));

        void Add(string name, string unit, double value) => session.Sheet.Add(system.Name, name, unit, value);

        Task<double> MegabytesAsync(string size) =>
            BenchServers.ScalarAsync<double>(system.Database, $"select ({size} / 1e6)::float8", cancellationToken);
    }
}

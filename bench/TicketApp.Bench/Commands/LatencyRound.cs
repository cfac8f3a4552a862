using Npgsql;
using TicketApp.Bench.Load;
using TicketApp.Bench.Processes;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Commands;

/// <summary>One measured open loop.</summary>
internal static class LatencyRound
{
    // So many that one is always free: a caller is taken from a ticket's scheduled time to its end.
    private const int CallerCount = 512;
    private const int LoneTickets = 100;
    private const double LoneRate = 15;

    private static readonly (string Name, double Percent)[] _percentiles =
        [("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9), ("max", 100)];

    /// <summary>So many tickets a second for so many seconds.</summary>
    /// <param name="session">Where the figures go.</param>
    /// <param name="system">What is measured.</param>
    /// <param name="subject">The name in the tables; null: the system's.</param>
    /// <param name="cancellationToken">Ends the round.</param>
    public static async Task RunAsync(BenchSession session, SystemUnderTest system, string? subject, CancellationToken cancellationToken)
    {
        subject ??= system.Name;
        var options = session.Options;
        var (load, finished) = await RunAsync(system, CallerCount, options.Rate, (int)(options.Rate * options.Seconds), cancellationToken);
        Add("accept", load.Accept);
        Add("end to end (asked every 2 ms)", load.EndToEnd);
        if (finished is not null)
        {
            Add("finished in the database", finished);
        }

        session.Sheet.Add(subject, "driver late p99", "ms", load.Driver.Percentile(99));
        session.Sheet.Add(subject, "open loop refused", "", load.Refused);
        session.Sheet.Add(subject, "open loop lost", "", load.Lost);

        void Add(string name, Latencies latencies)
        {
            foreach (var (percentile, percent) in _percentiles)
            {
                session.Sheet.Add(subject, $"{name} {percentile}", "ms", latencies.Percentile(percent));
            }
        }
    }

    /// <summary>So few that each has the system for itself.</summary>
    public static async Task RunLoneAsync(BenchSession session, SystemUnderTest system, CancellationToken cancellationToken)
    {
        var (load, finished) = await RunAsync(system, callerCount: 8, LoneRate, LoneTickets, cancellationToken);
        session.Sheet.Add(system.Name, "lone ticket, accept p50", "ms", load.Accept.Percentile(50));
        session.Sheet.Add(system.Name, "lone ticket, end to end p50", "ms", load.EndToEnd.Percentile(50));
        if (finished is not null)
        {
            session.Sheet.Add(system.Name, "lone ticket, finished in the database p50", "ms", finished.Percentile(50));
        }
    }

    private static async Task<(TicketLoad Load, Latencies? Finished)> RunAsync(
        SystemUnderTest system, int callerCount, double rate, int tickets, CancellationToken cancellationToken)
    {
        using Callers callers = new(system.Addresses, callerCount);
        TicketLoad load = new() { Tickets = tickets, Rate = rate, Polling = PollPolicy.Fine };
        await callers.RunAsync(load, cancellationToken);
        if (!system.HasDatabase)
        {
            return (load, null);
        }

        Latencies finished = new();
        foreach (var (ticket, time) in await FinishedAsync(system.Database, [.. load.Accepted.Keys], cancellationToken))
        {
            finished.Add(time - load.Accepted[ticket]);
        }

        return (load, finished);
    }

    /// <summary>
    /// The <c>time_finished</c> of those that have ended: the start of the transaction that ended the ticket, on the clock of this machine.
    /// </summary>
    internal static async Task<IReadOnlyList<(Guid Ticket, DateTime Time)>> FinishedAsync(
        string database, Guid[] tickets, CancellationToken cancellationToken)
    {
        List<(Guid Ticket, DateTime Time)> finished = [];
        await using NpgsqlConnection connection = new(BenchServers.Unpooled(database));
        await connection.OpenAsync(cancellationToken);
        var sql = "select ticket_id, time_finished from tickets where ticket_id = any($1) and time_finished is not null";
        await using NpgsqlCommand command = new(sql, connection)
        {
            Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = tickets } },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            finished.Add((reader.GetGuid(0), reader.GetDateTime(1)));
        }

        return finished;
    }
}

using TicketApp.Bench.Machine;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Commands;

/// <summary>What it costs to keep many finished tickets: to clean their table, and to remove those that are old.</summary>
internal static class UpkeepRound
{
    private static readonly TimeSpan _removing = TimeSpan.FromSeconds(20);

    // The stored tickets are a day old.
    private static readonly Dictionary<string, string> _settings = new() { ["Retention__FinishedFor"] = "12:00:00" };

    // They are numbered from 1, in the order in which they are removed.
    private const string FirstSql =
        """
        select ('x' || right(ticket_id::text, 12))::bit(48)::bigint from tickets order by ticket_id limit 1
        """;

    /// <param name="session">Where the figures go.</param>
    /// <param name="database">Connection string of the database, in which no system works now.</param>
    /// <param name="subject">The name in the tables.</param>
    /// <param name="cancellationToken">Ends the round.</param>
    public static async Task RunAsync(BenchSession session, string database, string subject, CancellationToken cancellationToken)
    {
        await CleanAsync("after the rounds");
        await using (var system = await session.TicketApp.StartAsync(database, _settings, cancellationToken))
        {
            var first = await FirstAsync();
            var meter = CpuMeter.Start([.. system.Trees, .. session.Servers.Trees]);
            await Task.Delay(_removing, cancellationToken);
            var cpu = meter.Stop().Values.Sum();
            var removed = await FirstAsync() - first;
            session.Sheet.Add(subject, "removed/s", "", removed / _removing.TotalSeconds);
            session.Sheet.Add(subject, "CPU per 1,000 removed", "s", cpu / removed * 1000);
        }

        await CleanAsync("after the removal");

        Task<long> FirstAsync() => BenchServers.ScalarAsync<long>(database, FirstSql, cancellationToken);

        async Task CleanAsync(string when)
        {
            BenchSession.Say($"cleaning the table {when}");
            var dead = await BenchServers.ScalarAsync<long>(
                database, "select n_dead_tup from pg_stat_user_tables where relname = 'tickets'", cancellationToken);
            var meter = CpuMeter.Start(session.Servers.Trees.Where(tree => tree.Name == "postgres"));
            await BenchServers.ExecuteAsync(database, "vacuum tickets", cancellationToken);
            session.Sheet.Add(subject, $"dead rows {when}", "", dead);
            session.Sheet.Add(subject, $"CPU to clean the table {when}", "s", meter.Stop().Values.Sum());
        }
    }
}

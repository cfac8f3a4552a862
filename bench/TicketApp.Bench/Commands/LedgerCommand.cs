using Npgsql;
using TicketApp.Bench.Load;
using TicketApp.Bench.Machine;
using TicketApp.Bench.Processes;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Commands;

/// <summary>What one ticket of the closed loop costs, thread by thread and statement by statement.</summary>
internal sealed class LedgerCommand : IBenchCommand
{
    private const int TitleLength = 72;

    // The sums are PostgreSQL's own: the time in the executor, without parsing, commit and network.
    private const string StatementsSql =
        """
        select left(regexp_replace(query, '\s+', ' ', 'g'), $1), sum(calls)::bigint, sum(rows)::bigint, sum(total_exec_time),
            sum(wal_bytes)::bigint
        from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())
        group by 1 having sum(total_exec_time) > 0 order by sum(total_exec_time) desc limit 25
        """;

    private static readonly string[] _servers = ["postgres", "rabbitmq"];

    public string Name => "ledger";

    public string Description =>
        "Closed loop: what one ticket costs in each thread and each statement, in µs of CPU; context switches, WAL";

    public bool CountsStatements => true;

    public async Task RunAsync(BenchSession session, CancellationToken cancellationToken)
    {
        var settings = session.Options.Variants.Select(Variant.Parse).FirstOrDefault()?.Environment ?? new Dictionary<string, string>();
        await using var system = await session.TicketApp.StartAsync(settings, cancellationToken);
        BenchSession.Say("warming up");
        using var callers = await session.WarmUpAsync(system, cancellationToken);
        await BenchServers.ExecuteAsync(system.Database, "create extension if not exists pg_stat_statements", cancellationToken);
        for (var round = 1; round <= session.Options.Rounds; round++)
        {
            BenchSession.Say($"round {round} of {session.Options.Rounds}");
            await MeasureAsync(session, system, callers, cancellationToken);
        }
    }

    private static async Task MeasureAsync(
        BenchSession session, SystemUnderTest system, Callers callers, CancellationToken cancellationToken)
    {
        ProcessTree[] trees = [.. system.Trees, .. session.Servers.Trees];
        await BenchServers.ExecuteAsync(
            system.Database, "select pg_stat_statements_reset(), pg_stat_reset_shared('wal')", cancellationToken);
        var before = ThreadUsage.Read(trees);
        TicketLoad load = new() { Tickets = session.Options.Tickets };
        await callers.RunAsync(load, cancellationToken);
        var used = ThreadUsage.Since(before, ThreadUsage.Read(trees)).ToList();
        double tickets = load.Ended.Count;

        Add("tickets/s", "all", load.TicketsPerSecond);
        Add("requests", "all", load.Requests / tickets);
        foreach (var part in used.GroupBy(usage => usage.Part))
        {
            AddUsage(part.Key, [.. part]);
            // What takes less than half a microsecond a ticket is left to the sum.
            foreach (var thread in part.Where(usage => usage.User + usage.Kernel >= tickets * 5e-7).OrderByDescending(usage => usage.User))
            {
                AddUsage($"  {part.Key}: {thread.Thread}", [thread]);
            }
        }

        AddUsage("api and worker", [.. used.Where(usage => !_servers.Contains(usage.Part))]);
        AddUsage("everything", used);
        await AddStatementsAsync();

        void Add(string row, string column, double value) => session.Sheet.Add(column, row, "", value);

        void AddUsage(string row, IReadOnlyList<ThreadUsage> usages)
        {
            Add(row, "program, µs", usages.Sum(usage => usage.User) / tickets * 1e6);
            Add(row, "kernel, µs", usages.Sum(usage => usage.Kernel) / tickets * 1e6);
            Add(row, "switches", usages.Sum(usage => usage.Switches) / tickets);
        }

        async Task AddStatementsAsync()
        {
            await using NpgsqlConnection connection = new(BenchServers.Unpooled(system.Database));
            await connection.OpenAsync(cancellationToken);
            await using NpgsqlCommand command = new(StatementsSql, connection)
            {
                Parameters = { new NpgsqlParameter<int> { TypedValue = TitleLength } },
            };
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                var title = reader.GetString(0);
                Add(title, "calls", reader.GetInt64(1) / tickets);
                Add(title, "rows a call", (double)reader.GetInt64(2) / reader.GetInt64(1));
                Add(title, "executor, µs", reader.GetDouble(3) * 1000 / tickets);
                Add(title, "WAL bytes", reader.GetInt64(4) / tickets);
            }

            await reader.DisposeAsync();
            Add("WAL", "WAL bytes", await BenchServers.ScalarAsync<long>(
                system.Database, "select wal_bytes::bigint from pg_stat_wal", cancellationToken) / tickets);
            Add("WAL", "calls", await BenchServers.ScalarAsync<long>(
                system.Database, "select wal_sync from pg_stat_wal", cancellationToken) / tickets);
        }
    }
}

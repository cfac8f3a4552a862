using System.Diagnostics;
using Npgsql;
using TicketApp.Bench.Load;
using TicketApp.Bench.Processes;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Commands;

/// <summary>Throughput with much in the database, beside throughput with nothing there, by turns.</summary>
internal sealed class BacklogCommand : IBenchCommand
{
    private static readonly TimeSpan _backlogTime = TimeSpan.FromSeconds(10);
    private static readonly Dictionary<string, string> _settings = new() { ["Tickets__Deadline"] = "02:00:00" };

    private const int StoredUsers = 100_000;
    private const int StoredPiece = 1_000_000;

    // As the program itself would have left them, of many users in turns. Their ids are of the day before too: retention goes by them.
    private const string FinishedSql =
        """
        insert into tickets (
            ticket_id, user_id, time_created, time_started, time_finished, response, status, worker, expires_at, due_at, attempt, epoch,
            finished_xid)
        select (lpad(to_hex((extract(epoch from now() - interval '1 day') * 1000)::bigint), 12, '0') || '70009000'
                || lpad(to_hex(i), 12, '0'))::uuid,
            ('00000000-0000-7000-8000-' || lpad(to_hex(i::bigint * 7919 % $USERS), 12, '0'))::uuid,
            now() - interval '1 day', now() - interval '1 day', now() - interval '1 day', 'Happy message', 'succeeded', 'worker',
            now(), now(), 1, 1, pg_current_xact_id()
        from generate_series($FIRST, $LAST) i
        """;

    private const string UsersSql =
        """
        insert into users (user_id)
        select ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid from generate_series(0, $USERS - 1) i
        """;

    public string Name => "backlog";

    public string Description =>
        "Throughput with a backlog of queued tickets and with many finished ones stored (--backlog, --finished; 0 leaves one out)";

    public async Task RunAsync(BenchSession session, CancellationToken cancellationToken)
    {
        if (session.Options.Finished > 0)
        {
            await MeasureFinishedAsync(session, cancellationToken);
        }

        if (session.Options.Backlog > 0)
        {
            await MeasureBacklogAsync(session, cancellationToken);
        }
    }

    private static async Task MeasureFinishedAsync(BenchSession session, CancellationToken cancellationToken)
    {
        var starter = session.TicketApp;
        var full = await starter.PrepareAsync(cancellationToken, "bench_ticketapp_full");
        await (await starter.StartAsync(full, _settings, cancellationToken)).DisposeAsync();
        await StoreAsync(full, session.Options.Finished, cancellationToken);
        var stored = $"{session.Options.Finished} stored";
        for (var round = 1; round <= session.Options.Rounds; round++)
        {
            BenchSession.Say($"finished tickets, round {round} of {session.Options.Rounds}");
            await MeasureAsync("empty", await starter.PrepareAsync(cancellationToken));
            await MeasureAsync(stored, full);
        }

        session.Sheet.AddRatio("stored / empty", "tickets/s", stored, "empty");
        session.Sheet.AddRatio("stored / empty", "CPU per 1,000 tickets", stored, "empty");
        await UpkeepRound.RunAsync(session, full, stored, cancellationToken);
        await session.Servers.DropDatabaseAsync("bench_ticketapp_full", cancellationToken);

        async Task MeasureAsync(string subject, string database)
        {
            await using var system = await starter.StartAsync(database, _settings, cancellationToken);
            using var callers = await session.WarmUpAsync(system, cancellationToken);
            await ThroughputRound.RunAsync(session, system, callers, subject, cancellationToken);
        }
    }

    /// <summary>
    /// A piece at a time, without the indexes, which are made again when all is there, and without looking each user up: a hundred million
    /// rows take minutes instead of hours.
    /// </summary>
    private static async Task StoreAsync(string database, int count, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = new(BenchServers.Unpooled(database));
        await connection.OpenAsync(cancellationToken);
        await ExecuteAsync("set session_replication_role = replica; set synchronous_commit = off; set maintenance_work_mem = '1GB'");
        await ExecuteAsync(UsersSql);
        List<string> indexes = [];
        await using (NpgsqlCommand command = new(
            "select indexdef from pg_indexes where tablename = 'tickets' and indexname <> 'tickets_pk'", connection))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                indexes.Add(reader.GetString(0));
            }
        }

        foreach (var index in indexes)
        {
            await ExecuteAsync("drop index " + index.Split(' ')[2]);
        }

        for (var first = 1L; first <= count; first += StoredPiece)
        {
            var last = Math.Min(first + StoredPiece - 1, count);
            BenchSession.Say($"storing finished tickets: {last:N0} of {count:N0}");
            await ExecuteAsync(FinishedSql
                .Replace("$FIRST", $"{first}", StringComparison.Ordinal).Replace("$LAST", $"{last}", StringComparison.Ordinal));
        }

        foreach (var index in indexes)
        {
            BenchSession.Say($"indexing: {index.Split(' ')[2]}");
            await ExecuteAsync(index);
        }

        await ExecuteAsync("vacuum (analyze, freeze) tickets");
        // Or the first rounds would pay for counting what was stored.
        await ExecuteAsync("update ticket_totals_position set counted_to = pg_current_xact_id()");
        await ExecuteAsync("checkpoint");

        async Task ExecuteAsync(string sql)
        {
            await using NpgsqlCommand command = new(sql.Replace("$USERS", $"{StoredUsers}", StringComparison.Ordinal), connection)
            {
                CommandTimeout = 0,
            };
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>
    /// The backlog is worked off while it is measured, so what counts is all that ends in a fixed time, by the database; and what
    /// the callers' own tickets see, which other users' backlog must not hold up.
    /// </summary>
    private static async Task MeasureBacklogAsync(BenchSession session, CancellationToken cancellationToken)
    {
        for (var round = 1; round <= session.Options.Rounds; round++)
        {
            BenchSession.Say($"backlog, round {round} of {session.Options.Rounds}");
            await MeasureAsync("no backlog", 0);
            await MeasureAsync($"backlog {session.Options.Backlog}", session.Options.Backlog);
        }

        session.Sheet.AddRatio("backlog / none", "ended/s", $"backlog {session.Options.Backlog}", "no backlog");

        async Task MeasureAsync(string subject, int backlog)
        {
            await using var system = await session.TicketApp.StartAsync(_settings, cancellationToken);
            using var callers = await session.WarmUpAsync(system, cancellationToken);
            if (backlog > 0)
            {
                using Callers others = new(system.Addresses, session.Options.Connections);
                TicketLoad queued = new() { Tickets = backlog, Polling = null };
                await WhileFrozenAsync(system, () => others.RunAsync(queued, cancellationToken));
            }

            var before = await EndedAsync(system);
            var started = Stopwatch.GetTimestamp();
            TicketLoad load = new() { Tickets = int.MaxValue, Limit = _backlogTime };
            await callers.RunAsync(load, cancellationToken);
            session.Sheet.Add(subject, "ended/s", "", (await EndedAsync(system) - before) / Stopwatch.GetElapsedTime(started).TotalSeconds);
            session.Sheet.Add(subject, "callers' own tickets/s", "", load.TicketsPerSecond);
            session.Sheet.Add(subject, "callers' own end to end p50", "ms", load.EndToEnd.Percentile(50));
            session.Sheet.Add(subject, "callers' own end to end p99", "ms", load.EndToEnd.Percentile(99));
            session.Sheet.Add(subject, "callers' own lost", "", load.Lost);
            session.Sheet.Add(subject, "left of the backlog", "", await CountAsync(system, "time_finished is null"));
        }

        Task<long> EndedAsync(SystemUnderTest system) => CountAsync(system, "time_finished is not null");

        Task<long> CountAsync(SystemUnderTest system, string condition) =>
            BenchServers.ScalarAsync<long>(system.Database, $"select count(*) from tickets where {condition}", cancellationToken);
    }

    /// <summary>Stops the worker from running, not from being there: so what is created queues.</summary>
    private static async Task WhileFrozenAsync(SystemUnderTest system, Func<Task> action)
    {
        system.Worker.Freeze();
        try
        {
            await action();
        }
        finally
        {
            system.Worker.Continue();
        }
    }
}

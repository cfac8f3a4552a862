using System.Diagnostics;
using Npgsql;

namespace TicketApp.Bench.Limits;

/// <summary>How many rows this PostgreSQL stores a second, one commit a statement.</summary>
internal static class InsertLimit
{
    private const string CreateSql =
        """
        drop table if exists bench_insert;
        create table bench_insert (
            ticket_id uuid not null constraint bench_insert_pk primary key, user_id uuid not null,
            time_created timestamptz not null default now(), time_finished timestamptz, response text)
        """;

    private const string InsertSql = "insert into bench_insert (ticket_id, user_id) select unnest($1), $2";

    /// <summary>Inserts <paramref name="rows"/> rows a statement from <paramref name="clients"/> connections.</summary>
    /// <returns>Rows a second.</returns>
    public static async Task<double> MeasureAsync(
        string database, int clients, int rows, TimeSpan time, CancellationToken cancellationToken)
    {
        await Servers.BenchServers.ExecuteAsync(database, CreateSql, cancellationToken);
        NpgsqlConnectionStringBuilder pool = new(database)
        {
            MaxPoolSize = clients,
            MinPoolSize = clients,
            MaxAutoPrepare = 10,
            AutoPrepareMinUsages = 1,
            NoResetOnClose = true,
        };
        await using var source = NpgsqlDataSource.Create(pool);
        var started = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, clients)
            .Select(_ => InsertAsync(source, rows, () => Stopwatch.GetElapsedTime(started) < time, cancellationToken)));
        return counts.Sum() / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task<long> InsertAsync(NpgsqlDataSource source, int rows, Func<bool> goOn, CancellationToken cancellationToken)
    {
        long count = 0;
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        while (goOn())
        {
            await using NpgsqlCommand command = new(InsertSql, connection);
            Guid[] ids = [.. Enumerable.Range(0, rows).Select(_ => Guid.CreateVersion7())];
            command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = ids });
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.Empty });
            count += await command.ExecuteNonQueryAsync(cancellationToken);
        }

        return count;
    }
}

using System.Diagnostics;
using System.Globalization;
using Npgsql;
using TicketApp.Api.Storage;

namespace TicketApp.Simulation;

/// <summary>A database with a backlog in it, gone afterwards.</summary>
internal sealed class SimulatedBacklog : IAsyncDisposable
{
    private const string Name = "ticketapp_simulation";

    private readonly NpgsqlDataSource _server;

    private SimulatedBacklog(NpgsqlDataSource server, NpgsqlDataSource source) => (_server, Source) = (server, source);

    public NpgsqlDataSource Source { get; }

    public static async Task<SimulatedBacklog> CreateAsync(string database, SimulationSize size, CancellationToken cancellationToken)
    {
        var server = NpgsqlDataSource.Create(database);
        await ExecuteAsync(server, $"drop database if exists {Name} with (force)", cancellationToken);
        await ExecuteAsync(server, $"create database {Name}", cancellationToken);
        NpgsqlDataSourceBuilder builder = new(new NpgsqlConnectionStringBuilder(database) { Database = Name }.ConnectionString);
        DatabaseServices.Tune(builder);
        SimulatedBacklog backlog = new(server, builder.Build());
        await DatabaseMigrator.MigrateAsync(backlog.Source, Migration.All, cancellationToken);
        await backlog.FillAsync(size, cancellationToken);
        return backlog;
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await ExecuteAsync(_server, $"drop database {Name} with (force)", CancellationToken.None);
        await _server.DisposeAsync();
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task FillAsync(SimulationSize size, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var own = size.Tickets / 2;
        // Keys as the Api would have given them: the n-th ticket of a flow has 4 n. Without the foreign key's check of each row,
        // which is not what is simulated.
        await ExecuteAsync(
            Source,
            string.Create(CultureInfo.InvariantCulture, $"""
            set session_replication_role = replica;
            insert into users (user_id) select md5(u::text)::uuid from generate_series(1, {size.Users}) u;
            insert into tickets (ticket_id, user_id, status, priority, queue_key, expires_at, due_at)
            select gen_random_uuid(), md5('1')::uuid, 'queued', 1, 4 * n, now() + interval '1 day', now() + interval '1 day'
            from generate_series(1, {own}) n;
            insert into tickets (ticket_id, user_id, status, priority, queue_key, expires_at, due_at)
            select
                gen_random_uuid(), md5((2 + n % {size.Users - 1})::text)::uuid, 'queued', 1, 4 * (1 + n / {size.Users - 1}),
                now() + interval '1 day', now() + interval '1 day'
            from generate_series(0, {size.Tickets - own - 1}) n;
            insert into workers (worker, slots, models, last_seen)
            select 'worker-' || w, {size.Slots}, jsonb_build_object('simulated', {size.Slots}), now() + interval '1 day'
            from generate_series(1, {size.Workers}) w;
            set session_replication_role = origin;
            """),
            cancellationToken);
        await ExecuteAsync(Source, "vacuum analyze tickets", cancellationToken);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{size.Tickets:N0} tickets of {size.Users:N0} users wait (stored in {seconds:F0} s)"));
    }
}

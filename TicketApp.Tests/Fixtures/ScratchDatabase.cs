using Npgsql;
using TicketApp.Api.Storage;

namespace TicketApp.Tests.Fixtures;

/// <summary>An empty database of the Api's role on a running server, gone afterwards.</summary>
internal sealed class ScratchDatabase : IAsyncDisposable
{
    private readonly NpgsqlDataSource _server;

    private ScratchDatabase(NpgsqlDataSource server, string name, NpgsqlDataSource source) =>
        (_server, Name, Source) = (server, name, source);

    public string Name { get; }

    public NpgsqlDataSource Source { get; }

    public static Task<ScratchDatabase> CreateAsync(IDatabaseServer server) => CreateAsync(server, template: "template1");

    /// <summary>One with the schema in it.</summary>
    public static Task<ScratchDatabase> CreateMigratedAsync(IDatabaseServer server) => CreateAsync(server, IDatabaseServer.EmptyDatabase);

    /// <summary>How the Api connects to a database of the server.</summary>
    public static NpgsqlDataSourceBuilder SourceOf(IDatabaseServer server, string name)
    {
        NpgsqlDataSourceBuilder source = new(new NpgsqlConnectionStringBuilder(server.ApiDatabase) { Database = name }.ConnectionString);
        DatabaseServices.Tune(source);
        return source;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The one value that <paramref name="sql"/> yields.</summary>
    public async Task<T> ValueAsync<T>(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    /// <summary>How many entries of a table's indexes were read so far, dead ones included.</summary>
    /// <param name="table">The table.</param>
    /// <param name="open">Connections that others keep open.</param>
    public async Task<long> ReadEntriesAsync(string table, int open = 1)
    {
        // A session tells its numbers when it ends, at the latest.
        Source.Clear();
        await Eventually.IsTrueAsync("The other sessions have ended", TimeSpan.FromSeconds(30), async () =>
            open + 1 >= await ValueAsync<long>(
                "select count(*) from pg_stat_activity where datname = current_database() and backend_type = 'client backend'"));
        return await ValueAsync<long>($"select sum(idx_tup_read)::bigint from pg_stat_user_indexes where relname = '{table}'");
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await using (var drop = _server.CreateCommand($"drop database {Name} with (force)"))
        {
            await drop.ExecuteNonQueryAsync();
        }

        await _server.DisposeAsync();
    }

    private static async Task<ScratchDatabase> CreateAsync(IDatabaseServer server, string template)
    {
        var name = $"scratch_{Guid.NewGuid():N}";
        var superuser = NpgsqlDataSource.Create(server.Database);
        await using (var create = superuser.CreateCommand($"create database {name} template {template} owner ticketapp"))
        {
            await create.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        return new(superuser, name, SourceOf(server, name).Build());
    }
}

using Npgsql;
using TicketApp.Api.Storage;

namespace TicketApp.Tests.Fixtures;

/// <summary>An empty database on a running application's server, gone afterwards.</summary>
internal sealed class ScratchDatabase : IAsyncDisposable
{
    private readonly NpgsqlDataSource _server;
    private readonly string _name;

    private ScratchDatabase(NpgsqlDataSource server, string name, NpgsqlDataSource source) =>
        (_server, _name, Source) = (server, name, source);

    public NpgsqlDataSource Source { get; }

    public static Task<ScratchDatabase> CreateAsync(AppFixture app) => CreateAsync(app, template: "template1");

    /// <summary>One with the schema in it.</summary>
    public static Task<ScratchDatabase> CreateMigratedAsync(AppFixture app) => CreateAsync(app, AppFixture.EmptyDatabase);

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

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await using (var drop = _server.CreateCommand($"drop database {_name} with (force)"))
        {
            await drop.ExecuteNonQueryAsync();
        }

        await _server.DisposeAsync();
    }

    private static async Task<ScratchDatabase> CreateAsync(AppFixture app, string template)
    {
        var name = $"scratch_{Guid.NewGuid():N}";
        var server = NpgsqlDataSource.Create(app.Database);
        await using (var create = server.CreateCommand($"create database {name} template {template}"))
        {
            await create.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        NpgsqlDataSourceBuilder source = new(new NpgsqlConnectionStringBuilder(app.Database) { Database = name }.ConnectionString);
        DatabaseServices.Tune(source);
        return new(server, name, source.Build());
    }
}

using Npgsql;
using TicketApp.Api.Storage;

namespace TicketApp.Tests.Fixtures;

/// <summary>A PostgreSQL on which tests make databases of their own (<see cref="ScratchDatabase"/>).</summary>
public interface IDatabaseServer
{
    /// <summary>A database with the schema and nothing else, to be copied.</summary>
    const string EmptyDatabase = "empty";

    /// <summary>Npgsql connection string of the database <c>tickets</c>, as its superuser.</summary>
    string Database { get; }

    /// <summary>The same, as the Api connects.</summary>
    string ApiDatabase { get; }

    /// <summary>Makes the server quick, and the empty database.</summary>
    /// <param name="database">See <see cref="Database"/>.</param>
    static async Task PrepareAsync(string database)
    {
        await using var server = NpgsqlDataSource.Create(database);
        // Tests make a hundred databases here, of which none needs to outlast a power cut.
        string[] statements =
            ["alter system set fsync = off", "select pg_reload_conf()", $"create database {EmptyDatabase} owner ticketapp"];
        foreach (var sql in statements)
        {
            await using var command = server.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }

        NpgsqlConnectionStringBuilder connection = new(AppProcesses.As("ticketapp", database)) { Database = EmptyDatabase };
        await using var empty = NpgsqlDataSource.Create(connection.ConnectionString);
        await DatabaseMigrator.MigrateAsync(empty, Migration.All, TestContext.Current.CancellationToken);
    }
}

/// <summary>PostgreSQL alone, for what needs no application: statements, migrations, roles.</summary>
public sealed class DatabaseServer : IDatabaseServer, IAsyncLifetime
{
    private readonly NpgsqlConnectionStringBuilder _connection = RunningApp.NewDatabase();
    private DirectoryInfo? _directory;
    private ChildProcess? _process;
    private string? _obstacle = AppAvailability.Obstacle;

    public string Database
    {
        get
        {
            if (_obstacle is not null)
            {
                AppAvailability.Refuse(_obstacle);
            }

            return _connection.ConnectionString;
        }
    }

    public string ApiDatabase => AppProcesses.As("ticketapp", Database);

    public async ValueTask InitializeAsync()
    {
        if (_obstacle is not null)
        {
            return;
        }

        _directory = AppProcesses.CreateDirectory();
        _process = AppProcesses.Postgres(_directory.FullName, _connection);
        try
        {
            await _process.StartAsync();
        }
        catch (InvalidOperationException e)
        {
            // Where it is not installed, this says so.
            _obstacle = string.Join('\n', [e.Message, .. _process.Output]);
            return;
        }

        await IDatabaseServer.PrepareAsync(_connection.ConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _directory?.Delete(recursive: true);
    }
}

[CollectionDefinition(Name)]
public sealed class DatabaseCollection : ICollectionFixture<DatabaseServer>
{
    public const string Name = "The database";
}

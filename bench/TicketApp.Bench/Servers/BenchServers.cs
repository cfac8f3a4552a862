using System.Globalization;
using Npgsql;
using RabbitMQ.Client;
using TicketApp.Bench.Machine;

namespace TicketApp.Bench.Servers;

/// <summary>The PostgreSQL and RabbitMQ that all systems of one run share, each with a database and queues of its own.</summary>
/// <param name="databases">
/// Connection string of any database of the server, as a user that may create others; behind it those of its standbys.
/// </param>
/// <param name="brokers">AMQP URI of each node; the virtual host is used as it is.</param>
internal sealed class BenchServers(IReadOnlyList<string> databases, IReadOnlyList<string> brokers)
{
    /// <summary>A node of the broker.</summary>
    public Uri Broker { get; } = new(brokers[0]);

    /// <summary>Connection string of a database of the server that takes writes.</summary>
    public string Database { get; } = databases[0];

    /// <summary>All nodes of the broker, in the form of TicketApp's connection string.</summary>
    public string AllBrokers => brokers.Count == 1
        ? Broker.ToString()
        : $"amqp://{Broker.UserInfo}@{string.Join(',', brokers.Select(node => new Uri(node).Authority))}";

    /// <summary>The servers' processes.</summary>
    public IReadOnlyList<ProcessTree> Trees { get; } =
    [
        .. databases.Select(node => new ProcessTree(
            "postgres", ListeningProcess.Find(new NpgsqlConnectionStringBuilder(node).Port, "postgres"))),
        .. brokers.Select(node => new ProcessTree("rabbitmq", ListeningProcess.Find(new Uri(node).Port, "beam.smp"))),
    ];

    /// <summary>The same database at all servers, in the form of TicketApp's connection string.</summary>
    public string AtAllServers(string database) => databases.Count == 1
        ? database
        : new NpgsqlConnectionStringBuilder(database)
        {
            Host = string.Join(',', databases
                .Select(node => new NpgsqlConnectionStringBuilder(node))
                .Select(node => string.Create(CultureInfo.InvariantCulture, $"{node.Host}:{node.Port}"))),
        }.ConnectionString;

    /// <summary>A new, empty database.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> CreateDatabaseAsync(string name, CancellationToken cancellationToken)
    {
        await ExecuteAsync(Database, $"drop database if exists {name} with (force)", cancellationToken);
        await ExecuteAsync(Database, $"create database {name}", cancellationToken);
        return new NpgsqlConnectionStringBuilder(Database) { Database = name }.ConnectionString;
    }

    public Task DropDatabaseAsync(string name, CancellationToken cancellationToken) =>
        ExecuteAsync(Database, $"drop database if exists {name} with (force)", cancellationToken);

    /// <summary>Empties queues that are there.</summary>
    public async Task PurgeAsync(IEnumerable<string> queues, CancellationToken cancellationToken)
    {
        await using var connection = await ConnectAsync(cancellationToken);
        foreach (var queue in queues)
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
            try
            {
                await channel.QueuePurgeAsync(queue, cancellationToken);
            }
            catch (RabbitMQ.Client.Exceptions.OperationInterruptedException)
            {
                // No queue has that name, and the broker closes the channel.
            }
        }
    }

    public Task<IConnection> ConnectAsync(CancellationToken cancellationToken) =>
        new ConnectionFactory { Uri = Broker, AutomaticRecoveryEnabled = false }.CreateConnectionAsync("bench", cancellationToken);

    public async Task<MachineDescription> DescribeAsync(CancellationToken cancellationToken)
    {
        await using var connection = await ConnectAsync(cancellationToken);
        var version = (byte[])connection.ServerProperties!["version"]!;
        return MachineDescription.Read() with
        {
            PostgreSql = await ScalarAsync<string>(Database, "show server_version", cancellationToken),
            RabbitMq = System.Text.Encoding.UTF8.GetString(version),
        };
    }

    public static async Task ExecuteAsync(string connectionString, string sql, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = new(Unpooled(connectionString));
        await connection.OpenAsync(cancellationToken);
        await using NpgsqlCommand command = new(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public static async Task<T> ScalarAsync<T>(string connectionString, string sql, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = new(Unpooled(connectionString));
        await connection.OpenAsync(cancellationToken);
        await using NpgsqlCommand command = new(sql, connection) { CommandTimeout = 0 };
        return (T)Convert.ChangeType((await command.ExecuteScalarAsync(cancellationToken))!, typeof(T), CultureInfo.InvariantCulture);
    }

    /// <summary>For a connection that is not kept: a database of that name is dropped and made again.</summary>
    public static string Unpooled(string connectionString) =>
        new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString;
}

using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Npgsql;

namespace TicketApp.Tests.Fixtures;

/// <summary>
/// The application on servers any of which may be lost: a cluster of three brokers, and a database with a synchronous standby.
/// </summary>
public sealed class HighAvailabilityApp : FaultApp
{
    private const string Rabbitmqctl =
        "exec \"$(ls -d /usr/lib*/rabbitmq/lib/rabbitmq_server-*/sbin /opt/rabbitmq*/sbin 2>/dev/null"
        + " | sort -V | tail -n 1)/rabbitmqctl\" --quiet --formatter json list_queues name leader online";

    private static readonly string[] _nodes = ["rabbitmq-1", "rabbitmq-2", "rabbitmq-3"];
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(90);

    private readonly Dictionary<string, string> _connections = [];
    private readonly int _epmdPort = AppProcesses.NextPort();
    private string _directory = "";
    private string _brokers = "";

    // As in production: nothing that is lost here is a worker's fault.
    protected override IReadOnlyDictionary<string, string> ApiSettings { get; } = new Dictionary<string, string>();

    /// <summary>The database that takes writes.</summary>
    public Task<string> PrimaryAsync() => Eventually.GetAsync("A primary", _limit, async () =>
    {
        foreach (var name in InstancesOf("postgres"))
        {
            if (await TryQueryAsync(name, "select pg_is_in_recovery()") is false)
            {
                return name;
            }
        }

        return null;
    });

    /// <summary>Makes a standby take writes.</summary>
    public async Task PromoteAsync(string standby) => Assert.True(await TryQueryAsync(standby, "select pg_promote()") is true);

    /// <summary>Lets a primary refuse writes, in all its sessions, as a managed server does before it hands over.</summary>
    public async Task SetReadOnlyAsync(string primary)
    {
        await TryQueryAsync(primary, "alter system set default_transaction_read_only = on");
        await TryQueryAsync(primary, "select pg_reload_conf()");
    }

    /// <summary>
    /// Waits for the standby, and lets every commit wait for it from then on. Who becomes primary commits
    /// alone until then, as its cluster manager would tell it.
    /// </summary>
    public async Task SynchronizeAsync()
    {
        var primary = await PrimaryAsync();
        await Eventually.IsTrueAsync("A standby", _limit, () => IsStandbyAsync("streaming"));
        await TryQueryAsync(primary, "alter system set synchronous_standby_names = '*'");
        await TryQueryAsync(primary, "select pg_reload_conf()");
        await Eventually.IsTrueAsync("A synchronous standby", _limit, () => IsStandbyAsync("sync"));

        async Task<bool> IsStandbyAsync(string state) => await TryQueryAsync(
            primary, $"select count(*) from pg_stat_replication where state = 'streaming' and '{state}' in (state, sync_state)") is 1L;
    }

    /// <summary>The broker that leads a queue.</summary>
    public async Task<string> LeaderOfAsync(string queue) =>
        (await ListQueuesAsync()).First(one => one!["name"]!.GetValue<string>() == queue)!["leader"]!.GetValue<string>().Split('@')[0];

    /// <summary>Waits until every queue is on all brokers.</summary>
    public Task UntilReplicatedAsync() => Eventually.IsTrueAsync("All queues on all brokers", _limit, async () =>
        (await ListQueuesAsync())
            .Where(queue => queue!["online"] is JsonArray)
            .All(queue => queue!["online"]!.AsArray().Count == _nodes.Length));

    private protected override Servers CreateServers(string directory)
    {
        _directory = directory;
        int[] ports = [AppProcesses.NextPort(), AppProcesses.NextPort()];
        var databases = Array.ConvertAll(ports, port => Connection("127.0.0.1", port));
        Uri[] brokers =
        [
            .. _nodes
                .Select(_ => AppProcesses.NextPort().ToString(CultureInfo.InvariantCulture))
                .Select(port => new Uri($"amqp://tests:{Password}@127.0.0.1:{port}")),
        ];
        _brokers = $"amqp://tests:{Password}@{string.Join(',', brokers.Select(broker => broker.Authority))}";
        ChildProcess[] postgres = [Postgres(0), Postgres(1)];
        ChildProcess[] rabbitmq = [.. _nodes.Select((name, i) => AppProcesses.RabbitMq(directory, brokers[i], name, (_epmdPort, _nodes)))];
        var hosts = string.Join(',', ports.Select(port => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}")));
        return new(
            [[AppProcesses.Epmd(_epmdPort), postgres[0]], [postgres[1], rabbitmq[0]], rabbitmq[1..]],
            Connection(hosts, NpgsqlConnection.DefaultPort).ConnectionString,
            brokers[0]);

        ChildProcess Postgres(int i)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"postgres-{i + 1}");
            NpgsqlConnectionStringBuilder connection = new(databases[i].ConnectionString) { Pooling = false, CommandTimeout = 90 };
            _connections[name] = connection.ConnectionString;
            return AppProcesses.Postgres(directory, databases[i], name, ports[1 - i]);
        }

        static NpgsqlConnectionStringBuilder Connection(string host, int port) => new()
        {
            Host = host,
            Port = port,
            Username = "postgres",
            Password = Password,
            Database = "tickets",
            TargetSessionAttributes = host.Contains(',', StringComparison.Ordinal) ? "read-write" : null,
        };
    }

    protected override IReadOnlyDictionary<string, string> EnvironmentOf(string service, string database, Uri broker) =>
        new Dictionary<string, string>(base.EnvironmentOf(service, database, broker))
        {
            ["ConnectionStrings__rabbitmq"] =
                _brokers.Replace("tests:", service == ApiService ? "ticketapp:" : "worker:", StringComparison.Ordinal),
            ["Logging__Console__FormatterName"] = "simple",
            ["Logging__Console__FormatterOptions__SingleLine"] = "true",
            ["Logging__Console__FormatterOptions__TimestampFormat"] = "HH:mm:ss.fff ",
        };

    protected override async Task PrepareAsync(string database)
    {
        await SynchronizeAsync();
        await UntilReplicatedAsync();
    }

    /// <returns>The first value; null if the server does not answer.</returns>
    private async Task<object?> TryQueryAsync(string name, string sql)
    {
        try
        {
            await using var database = NpgsqlDataSource.Create(_connections[name]);
            await using var command = database.CreateCommand(sql);
            return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
        }
        catch (NpgsqlException)
        {
            return null;
        }
    }

    private async Task<JsonArray> ListQueuesAsync()
    {
        var node = InstancesOf("rabbitmq")[0];
        ProcessStartInfo start = new("sh", ["-c", Rabbitmqctl])
        {
            RedirectStandardOutput = true,
            Environment =
            {
                ["HOME"] = Path.Combine(_directory, node),
                ["ERL_EPMD_PORT"] = _epmdPort.ToString(CultureInfo.InvariantCulture),
                ["RABBITMQ_NODENAME"] = $"{node}@localhost",
                ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
            },
        };
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return JsonNode.Parse(output)!.AsArray();
    }
}

[CollectionDefinition(Name)]
public sealed class HighAvailabilityCollection : ICollectionFixture<HighAvailabilityApp>
{
    public const string Name = "The application on servers any of which may be lost";
}

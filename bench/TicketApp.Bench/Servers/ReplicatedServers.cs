using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using RabbitMQ.Client;
using TicketApp.Bench.Processes;

namespace TicketApp.Bench.Servers;

/// <summary>
/// A RabbitMQ cluster of three and PostgreSQL with a synchronous standby: the set-up of the fault tests (<c>bench chaos --ha</c>), by the
/// same scripts. All nodes are processes of this machine, so what a second machine's network costs is not in the figures.
/// </summary>
internal sealed class ReplicatedServers
{
    private const string Rabbitmqctl =
        "exec \"$(ls -d /usr/lib*/rabbitmq/lib/rabbitmq_server-*/sbin /opt/rabbitmq*/sbin 2>/dev/null"
        + " | sort -V | tail -n 1)/rabbitmqctl\" --quiet --formatter json cluster_status";

    private static readonly string[] _databaseNames = ["postgres-1", "postgres-2"];
    private static readonly string[] _nodes = ["rabbitmq-1", "rabbitmq-2", "rabbitmq-3"];
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);

    private readonly IDistributedApplicationBuilder _builder;
    private readonly string _data;
    private readonly string _servers;
    private readonly string _pair;
    private readonly string _epmdPort = FreePort();
    private readonly string[] _databasePorts = [.. _databaseNames.Select(_ => FreePort())];
    private readonly string[] _brokerPorts = [.. _nodes.Select(_ => FreePort())];

    /// <summary>Adds them to an application.</summary>
    /// <param name="builder">The application, which has no other servers.</param>
    /// <param name="data">A directory for their data.</param>
    /// <param name="repositoryRoot">Where their scripts are.</param>
    public ReplicatedServers(IDistributedApplicationBuilder builder, string data, string repositoryRoot)
    {
        (_builder, _data) = (builder, data);
        _servers = Path.Combine(repositoryRoot, "TicketApp.AppHost", "Servers");
        _pair = Path.Combine(repositoryRoot, "TicketApp.Tests", "Fixtures", "postgres-pair.sh");
        var epmd = WithCheck(
            builder.AddExecutable("epmd", "epmd", data, "-address", "127.0.0.1", "-port", _epmdPort),
            async cancellationToken =>
            {
                using TcpClient client = new();
                await client.ConnectAsync(IPAddress.Loopback, int.Parse(_epmdPort, CultureInfo.InvariantCulture), cancellationToken);
            });

        // The first of each kind is there before the others, which copy it or join it.
        var primary = AddPostgres(0);
        AddPostgres(1).WaitFor(primary);
        var first = AddRabbitMq(0).WaitFor(epmd);
        AddRabbitMq(1).WaitFor(first);
        AddRabbitMq(2).WaitFor(first);
    }

    /// <summary>Waits until all run, commits wait for the standby, and the brokers are a cluster.</summary>
    public async Task<BenchServers> WaitAsync(DistributedApplication app, CancellationToken cancellationToken)
    {
        foreach (var name in (string[])[.. _databaseNames, .. _nodes])
        {
            await app.ResourceNotifications.WaitForResourceHealthyAsync(
                name, WaitBehavior.StopOnResourceUnavailable, cancellationToken);
        }

        var primary = Database(0);
        await BenchServers.ExecuteAsync(primary, "alter system set synchronous_standby_names = '*'", cancellationToken);
        await BenchServers.ExecuteAsync(primary, "select pg_reload_conf()", cancellationToken);
        const string synchronous = "select count(*) from pg_stat_replication where state = 'streaming' and sync_state = 'sync'";
        while (await BenchServers.ScalarAsync<long>(primary, synchronous, cancellationToken) == 0)
        {
            await Task.Delay(_pause, cancellationToken);
        }

        // A node that cannot join may run alone, and would be measured as if queues were replicated.
        var running = await CountRunningNodesAsync(cancellationToken);
        return running == _nodes.Length
            ? new([.. _databaseNames.Select((_, i) => Database(i))], [.. _nodes.Select((_, i) => Broker(i).ToString())])
            : throw new InvalidOperationException($"{running} of {_nodes.Length} RabbitMQ nodes are a cluster.");
    }

    private IResourceBuilder<ExecutableResource> AddPostgres(int index) => WithCheck(
        _builder.AddExecutable(_databaseNames[index], "sh", _data, _pair)
            .WithEnvironment("DATA", Path.Combine(_data, _databaseNames[index]))
            .WithEnvironment("SERVERS", _servers)
            .WithEnvironment("PORT", _databasePorts[index])
            .WithEnvironment("PEER", _databasePorts[1 - index])
            .WithEnvironment("PASSWORD", ServerHost.Password)
            .WithEnvironment("TICKETS_PASSWORD", ServerHost.Password),
        cancellationToken => BenchServers.ExecuteAsync(Database(index), "select 1", cancellationToken));

    private IResourceBuilder<ExecutableResource> AddRabbitMq(int index)
    {
        var node = _nodes[index];
        ServerHost.WriteAccount(Path.Combine(_data, node));
        return WithCheck(
            _builder.AddExecutable(node, "sh", _data, Path.Combine(_servers, "rabbitmq.sh"))
                .WithEnvironment("DATA", Path.Combine(_data, node))
                .WithEnvironment("PORT", _brokerPorts[index])
                .WithEnvironment("EPMD_PORT", _epmdPort)
                .WithEnvironment("DIST_PORT", FreePort())
                .WithEnvironment("USERNAME", "ticketapp")
                .WithEnvironment("PASSWORD", ServerHost.Password)
                .WithEnvironment("WORKER_PASSWORD", ServerHost.Password)
                .WithEnvironment("CLUSTER", string.Join(' ', _nodes))
                .WithEnvironment("NODE", node),
            async cancellationToken =>
            {
                ConnectionFactory factory = new() { Uri = Broker(index), AutomaticRecoveryEnabled = false };
                await using var connection = await factory.CreateConnectionAsync(cancellationToken);
            });
    }

    private IResourceBuilder<ExecutableResource> WithCheck(
        IResourceBuilder<ExecutableResource> server, Func<CancellationToken, Task> connectAsync)
    {
        var name = server.Resource.Name;
        _builder.Services.AddHealthChecks().AddAsyncCheck(name, async cancellationToken =>
        {
            await connectAsync(cancellationToken);
            return HealthCheckResult.Healthy();
        });
        return server.WithHealthCheck(name);
    }

    private async Task<int> CountRunningNodesAsync(CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new("sh", ["-c", Rabbitmqctl])
        {
            RedirectStandardOutput = true,
            Environment =
            {
                ["HOME"] = Path.Combine(_data, _nodes[0]),
                ["ERL_EPMD_PORT"] = _epmdPort,
                ["RABBITMQ_NODENAME"] = $"{_nodes[0]}@localhost",
                ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
            },
        };
        using var process = Process.Start(start)!;
        var status = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return JsonNode.Parse(status)!["running_nodes"]!.AsArray().Count;
    }

    private string Database(int index) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = int.Parse(_databasePorts[index], CultureInfo.InvariantCulture),
        Username = "postgres",
        Password = ServerHost.Password,
        Database = "postgres",
    }.ConnectionString;

    private Uri Broker(int index) => new($"amqp://{ServerHost.Account}:{ServerHost.Password}@127.0.0.1:{_brokerPorts[index]}");

    private static string FreePort() => LoopbackPort.Free().ToString(CultureInfo.InvariantCulture);
}

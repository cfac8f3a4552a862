using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace TicketApp.Bench.Servers;

/// <summary>
/// PostgreSQL and RabbitMQ as the AppHost starts them, on data of their own. Api and worker are started by the benchmark itself:
/// many times, in other builds and with other settings. All use accounts that may do everything: databases are made for each round, and
/// the systems that TicketApp is compared with declare queues of their own.
/// </summary>
internal sealed class ServerHost : IAsyncDisposable
{
    /// <summary>RabbitMQ's account that may do everything.</summary>
    public const string Account = "bench";

    /// <summary>Of <see cref="Account"/>, and of the superuser of servers that this program sets up itself.</summary>
    public const string Password = "OfServersOnLoopbackForMinutes";

    private static readonly List<string> _statementStatistics = ["-c", "shared_preload_libraries=pg_stat_statements"];
    private static readonly TimeSpan _startLimit = TimeSpan.FromMinutes(3);

    private readonly DistributedApplication _app;
    private readonly DirectoryInfo _data;

    private ServerHost(DistributedApplication app, DirectoryInfo data, BenchServers servers) =>
        (_app, _data, Servers) = (app, data, servers);

    public BenchServers Servers { get; }

    /// <summary>Starts them.</summary>
    /// <param name="isReplicated">Whether they are <see cref="ReplicatedServers"/>.</param>
    /// <param name="options">Where the repository is.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <param name="countStatements">Whether PostgreSQL, if it is a single server, counts its statements, which costs it a little.</param>
    public static async Task<ServerHost> StartAsync(
        bool isReplicated, BenchOptions options, CancellationToken cancellationToken, bool countStatements = false)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_startLimit);
        var data = Directory.CreateTempSubdirectory("ticketapp-bench-");
        if (!OperatingSystem.IsWindows())
        {
            // Root's servers run as service users, who have to pass through.
            File.SetUnixFileMode(data.FullName, (UnixFileMode)Convert.ToInt32("755", 8));
        }

        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.TicketApp_AppHost>(
            [$"--Servers:Data={data.FullName}"], limit.Token);
        // What the servers say of themselves is not what this program is run for.
        builder.Services.AddLogging(logging => logging.ClearProviders());
        if (isReplicated)
        {
            builder.Resources.Clear();
            ReplicatedServers replicated = new(builder, data.FullName, options.RepositoryRoot);
            var app = await BuildAsync();
            return new(app, data, await replicated.WaitAsync(app, limit.Token));
        }
        else
        {
            var isContainer = UseSingleServers(builder, data, countStatements);
            var app = await BuildAsync();
            return new(app, data, await WaitAsync(app, isContainer, limit.Token));
        }

        async Task<DistributedApplication> BuildAsync()
        {
            var app = await builder.BuildAsync(limit.Token);
            await app.StartAsync(limit.Token);
            return app;
        }
    }

    /// <summary>An account that may do everything, which native RabbitMQ reads from its data at each start.</summary>
    public static void WriteAccount(string data) => File.WriteAllText(
        Path.Combine(Directory.CreateDirectory(Path.Combine(data, "definitions")).FullName, $"{Account}.json"),
        $$"""
        {
          "users": [{ "name": "{{Account}}", "password": "{{Password}}", "tags": ["administrator"] }],
          "permissions": [{ "user": "{{Account}}", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*" }]
        }
        """);

    /// <summary>Leaves only the servers of the AppHost.</summary>
    /// <returns>Whether they are containers.</returns>
    private static bool UseSingleServers(IDistributedApplicationTestingBuilder builder, DirectoryInfo data, bool countStatements)
    {
        foreach (var project in builder.Resources.OfType<ProjectResource>().ToList())
        {
            builder.Resources.Remove(project);
        }

        foreach (var resource in builder.Resources)
        {
            foreach (var volume in resource.Annotations.OfType<ContainerMountAnnotation>().ToList())
            {
                resource.Annotations.Remove(volume);
            }
        }

        if (countStatements)
        {
            builder.Resources.Single(resource => resource.Name == "postgres").Annotations.Add(new CommandLineArgsCallbackAnnotation(
                arguments => _statementStatistics.ForEach(arguments.Add)));
        }

        var rabbitmq = builder.Resources.Single(resource => resource.Name == "rabbitmq");
        if (rabbitmq is not ContainerResource)
        {
            WriteAccount(Path.Combine(data.FullName, VolumeNameGenerator.Generate(builder.CreateResourceBuilder(rabbitmq), "data")));
            return false;
        }

        // Without the accounts of TicketApp, the image makes an administrator of the one that it is told.
        foreach (var arguments in rabbitmq.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToList())
        {
            rabbitmq.Annotations.Remove(arguments);
        }

        return true;
    }

    private static async Task<BenchServers> WaitAsync(DistributedApplication app, bool isContainer, CancellationToken cancellationToken)
    {
        await app.ResourceNotifications.WaitForResourceHealthyAsync("tickets", cancellationToken);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("rabbitmq", cancellationToken);
        var database = await app.GetConnectionStringAsync("postgres", cancellationToken);
        var broker = new UriBuilder((await app.GetConnectionStringAsync("rabbitmq", cancellationToken))!);
        if (!isContainer)
        {
            (broker.UserName, broker.Password) = (Account, Password);
        }

        return new([$"{database};Database=postgres"], [broker.Uri.ToString()]);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _data.Delete(recursive: true);
    }
}

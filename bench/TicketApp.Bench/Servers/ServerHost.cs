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
    private const string Account = "bench";
    private const string Password = "OfServersOnLoopbackForMinutes";

    private static readonly TimeSpan _startLimit = TimeSpan.FromMinutes(3);

    private readonly DistributedApplication _app;
    private readonly DirectoryInfo _data;

    private ServerHost(DistributedApplication app, DirectoryInfo data, string database, string broker) =>
        (_app, _data, Database, Broker) = (app, data, database, broker);

    /// <summary>Npgsql connection string.</summary>
    public string Database { get; }

    /// <summary>AMQP URI.</summary>
    public string Broker { get; }

    public static async Task<ServerHost> StartAsync(CancellationToken cancellationToken)
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

        var rabbitmq = builder.Resources.Single(resource => resource.Name == "rabbitmq");
        var isContainer = rabbitmq is ContainerResource;
        if (isContainer)
        {
            // Without the accounts of TicketApp, the image makes an administrator of the one that it is told.
            foreach (var arguments in rabbitmq.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToList())
            {
                rabbitmq.Annotations.Remove(arguments);
            }
        }
        else
        {
            var folder = Path.Combine(
                data.FullName, VolumeNameGenerator.Generate(builder.CreateResourceBuilder(rabbitmq), "data"), "definitions");
            await File.WriteAllTextAsync(
                Path.Combine(Directory.CreateDirectory(folder).FullName, $"{Account}.json"),
                $$"""
                {
                  "users": [{ "name": "{{Account}}", "password": "{{Password}}", "tags": ["administrator"] }],
                  "permissions": [{ "user": "{{Account}}", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*" }]
                }
                """,
                limit.Token);
        }

        var app = await builder.BuildAsync(limit.Token);
        await app.StartAsync(limit.Token);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("tickets", limit.Token);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("rabbitmq", limit.Token);
        var database = await app.GetConnectionStringAsync("postgres", limit.Token);
        var broker = new UriBuilder((await app.GetConnectionStringAsync("rabbitmq", limit.Token))!);
        if (!isContainer)
        {
            (broker.UserName, broker.Password) = (Account, Password);
        }

        return new(app, data, $"{database};Database=postgres", broker.Uri.ToString());
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _data.Delete(recursive: true);
    }
}

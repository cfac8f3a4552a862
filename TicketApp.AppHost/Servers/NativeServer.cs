using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using RabbitMQ.Client;

namespace TicketApp.AppHost.Servers;

/// <summary>A server as a process of this machine. Its script, beside this file, makes its data and starts it.</summary>
internal sealed class NativeServer(string name, string script, Func<EndpointReference, ReferenceExpression> connectionString)
    : ExecutableResource(name, "sh", AppContext.BaseDirectory), IResourceWithConnectionString
{
    public string Script { get; } = Path.Combine(AppContext.BaseDirectory, "Servers", script);

    public EndpointReference Endpoint => field ??= new(this, "tcp");

    public ReferenceExpression ConnectionStringExpression => connectionString(Endpoint);
}

internal static class NativeServers
{
    /// <summary>PostgreSQL, with one database and the Api's role. Its own connection string is the superuser's.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">Of the server.</param>
    /// <param name="data">The directory above the servers' data.</param>
    /// <param name="password">Of the superuser, postgres.</param>
    /// <param name="tickets">Password of the Api's role.</param>
    public static IResourceBuilder<NativeServer> AddNativePostgres(
        this IDistributedApplicationBuilder builder,
        string name,
        string data,
        IResourceBuilder<ParameterResource> password,
        IResourceBuilder<ParameterResource> tickets)
    {
        var postgres = builder.AddNative(data, new(
                name,
                "postgres.sh",
                tcp => ReferenceExpression.Create(
                    $"Host=127.0.0.1;Port={tcp.Property(EndpointProperty.Port)};Username=postgres;Password=\"{password}\"")))
            .WithEnvironment("PASSWORD", password)
            .WithEnvironment("TICKETS_PASSWORD", tickets);
        var database = ReferenceExpression.Create($"{postgres};Database={ServerResources.DatabaseName}");
        string? connectionString = null;
        postgres.OnConnectionStringAvailable(async (_, _, cancel) => connectionString = await database.GetValueAsync(cancel));
        builder.Services.AddHealthChecks().AddNpgSql(
            _ => connectionString ?? throw new InvalidOperationException("No port yet."), name: $"{name}_check");
        return postgres.WithHealthCheck($"{name}_check");
    }

    /// <summary>RabbitMQ, without its management plugin: that takes five seconds of every stop.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">Of the server.</param>
    /// <param name="data">The directory above the servers' data.</param>
    /// <param name="user">The Api's account, whose connection string is the server's own.</param>
    /// <param name="password">Of that account.</param>
    /// <param name="workerPassword">Of the workers' account.</param>
    public static IResourceBuilder<NativeServer> AddNativeRabbitMQ(
        this IDistributedApplicationBuilder builder,
        string name,
        string data,
        IResourceBuilder<ParameterResource> user,
        IResourceBuilder<ParameterResource> password,
        IResourceBuilder<ParameterResource> workerPassword)
    {
        var rabbitmq = builder.AddNative(data, new(
                name,
                "rabbitmq.sh",
                tcp => ReferenceExpression.Create($"amqp://{user}:{password:uri}@127.0.0.1:{tcp.Property(EndpointProperty.Port)}")))
            .WithEnvironment("USERNAME", user)
            .WithEnvironment("PASSWORD", password)
            .WithEnvironment("WORKER_PASSWORD", workerPassword)
            .WithEndpoint(name: "epmd", scheme: "tcp", env: "EPMD_PORT", isProxied: false)
            .WithEndpoint(name: "distribution", scheme: "tcp", env: "DIST_PORT", isProxied: false);
        IConnection? connection = null;
        builder.Services.AddHealthChecks().AddRabbitMQ(async _ => connection ??= await ConnectAsync(), name: $"{name}_check");
        return rabbitmq.WithHealthCheck($"{name}_check");

        async Task<IConnection> ConnectAsync()
        {
            var address = await rabbitmq.Resource.ConnectionStringExpression.GetValueAsync(default);
            return await new ConnectionFactory { Uri = new(address!) }.CreateConnectionAsync();
        }
    }

    private static IResourceBuilder<NativeServer> AddNative(this IDistributedApplicationBuilder builder, string data, NativeServer server)
    {
        var resource = builder.AddResource(server);
        data = Path.Combine(data, VolumeNameGenerator.Generate(resource, "data"));
        builder.Eventing.Subscribe<BeforeStartEvent>((_, cancel) => CheckAsync(server.Script, data, cancel));
        return resource
            .WithEndpoint(name: server.Endpoint.EndpointName, scheme: "tcp", env: "PORT", isProxied: false)
            .WithArgs(server.Script)
            .WithEnvironment("DATA", data)
            .ExcludeFromManifest();
    }

    /// <summary>Before anything starts: what would make this server fail at once.</summary>
    /// <exception cref="DistributedApplicationException">The server cannot start, and why.</exception>
    private static async Task CheckAsync(string script, string data, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new("sh", [script, "check"]) { RedirectStandardError = true };
        start.Environment["DATA"] = data;
        using var check = Process.Start(start)!;
        var problem = await check.StandardError.ReadToEndAsync(cancellationToken);
        await check.WaitForExitAsync(cancellationToken);
        if (check.ExitCode != 0)
        {
            throw new DistributedApplicationException(problem.Trim());
        }
    }
}

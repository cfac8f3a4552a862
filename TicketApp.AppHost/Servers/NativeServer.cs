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
    /// <summary>PostgreSQL, with one database.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">Of the server.</param>
    /// <param name="data">The directory above the servers' data.</param>
    /// <param name="password">Of the user postgres.</param>
    /// <param name="database">The database, and the name of the resource to refer to.</param>
    public static IResourceBuilder<IResourceWithConnectionString> AddNativePostgres(
        this IDistributedApplicationBuilder builder,
        string name,
        string data,
        IResourceBuilder<ParameterResource> password,
        string database)
    {
        var postgres = builder.AddNative(data, new(
                name,
                "postgres.sh",
                tcp => ReferenceExpression.Create(
                    $"Host=127.0.0.1;Port={tcp.Property(EndpointProperty.Port)};Username=postgres;Password=\"{password}\"")))
            .WithEnvironment("PASSWORD", password)
            .WithEnvironment("DATABASE", database);
        var tickets = ReferenceExpression.Create($"{postgres};Database={database}");
        string? connectionString = null;
        postgres.OnConnectionStringAvailable(async (_, _, cancel) => connectionString = await tickets.GetValueAsync(cancel));
        builder.Services.AddHealthChecks().AddNpgSql(
            _ => connectionString ?? throw new InvalidOperationException("No port yet."), name: $"{name}_check");
        postgres.WithHealthCheck($"{name}_check");
        return builder.AddConnectionString(database, tickets).WaitFor(postgres);
    }

    /// <summary>RabbitMQ, without its management plugin: that takes five seconds of every stop.</summary>
    /// <inheritdoc cref="AddNativePostgres"/>
    public static IResourceBuilder<IResourceWithConnectionString> AddNativeRabbitMQ(
        this IDistributedApplicationBuilder builder,
        string name,
        string data,
        IResourceBuilder<ParameterResource> user,
        IResourceBuilder<ParameterResource> password)
    {
        var rabbitmq = builder.AddNative(data, new(
                name,
                "rabbitmq.sh",
                tcp => ReferenceExpression.Create($"amqp://{user}:{password:uri}@127.0.0.1:{tcp.Property(EndpointProperty.Port)}")))
            .WithEnvironment("USERNAME", user)
            .WithEnvironment("PASSWORD", password)
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

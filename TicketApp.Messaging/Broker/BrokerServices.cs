using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using RabbitMQ.Client;
using TicketApp.ServiceDefaults;

namespace TicketApp.Messaging.Broker;

/// <summary>Registers what a process needs to talk to the broker.</summary>
public static partial class BrokerServices
{
    /// <summary>
    /// Adds the connection factory, the publisher and the broker's health check. The connection string <c>rabbitmq</c> may name all nodes
    /// of a cluster: <c>amqp://user:password@a:5672,b:5672/vhost</c>, and an authority of their certificates (<see cref="BrokerTls"/>).
    /// </summary>
    /// <param name="builder">The process.</param>
    /// <param name="withoutBroker">How healthy the process is without it: degraded if it still serves its callers.</param>
    /// <param name="declaresQueues">Whether its account may declare exchanges and queues.</param>
    public static IHostApplicationBuilder AddBroker(
        this IHostApplicationBuilder builder, HealthStatus withoutBroker, bool declaresQueues = false)
    {
        (Uri Uri, AmqpTcpEndpoint Endpoint)[] nodes = [];
        builder.RequireConnectionString("rabbitmq", text =>
            nodes = Array.ConvertAll(NodesOf(text), uri => (uri, BrokerTls.EndpointOf(uri))));
        builder.AddRabbitMQClient(
            "rabbitmq",
            settings =>
            {
                settings.ConnectionString = nodes[0].Uri.OriginalString;
                // The health check of the package looks at a connection of its own, which says nothing of those in use.
                settings.DisableHealthChecks = true;
                settings.DisableTracing = !builder.ExportsTelemetry();
            },
            factory =>
            {
                factory.AutomaticRecoveryEnabled = false;
                factory.TopologyRecoveryEnabled = false;
                // Finds a frozen peer or a silent network within 20 s (the default is 60 s and more).
                factory.RequestedHeartbeat = TimeSpan.FromSeconds(10);
                factory.RequestedConnectionTimeout = factory.HandshakeContinuationTimeout = TimeSpan.FromSeconds(5);
                factory.Ssl = nodes[0].Endpoint.Ssl;
                if (nodes.Length > 1)
                {
                    // Tries all of them, in another order each time, so that loops spread over the cluster and a dead node keeps nobody.
                    AmqpTcpEndpoint[] endpoints = Array.ConvertAll(nodes, node => node.Endpoint);
                    factory.EndpointResolverFactory = _ => new DefaultEndpointResolver(endpoints);
                }

                factory.ClientProvidedName = builder.Environment.ApplicationName;
            });
        builder.Services.TryAddSingleton<LoopProgress>();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(new BrokerRole(declaresQueues));
        builder.Services.AddBrokerLoop<BrokerPublisher>().AddActivatedSingleton<BrokerMetrics>();
        builder.Services.AddHealthChecks().AddCheck<BrokerHealthCheck>("broker", withoutBroker);
        return builder;
    }

    /// <summary>Adds a loop as a singleton, as a hosted service and to the broker's health check.</summary>
    public static IServiceCollection AddBrokerLoop<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this IServiceCollection services)
        where T : BrokerLoop =>
        services
            .AddSingleton<T>()
            .AddSingleton<BrokerLoop>(provider => provider.GetRequiredService<T>())
            .AddHostedService(provider => provider.GetRequiredService<T>());

    /// <summary>A URI for each host of a connection string.</summary>
    /// <exception cref="UriFormatException">It is no URI.</exception>
    private static Uri[] NodesOf(string connectionString) => ManyHosts().Match(connectionString) is { Success: true, Groups: var parts }
        ? [.. parts["hosts"].Value.Split(',').Select(host => new Uri($"{parts["before"]}{host.Trim()}{parts["after"]}"))]
        : [new Uri(connectionString)];

    [GeneratedRegex(
        "^(?<before>[a-z]+://([^/]*@)?)(?<hosts>[^/?,]+(,[^/?,]+)+)(?<after>[/?].*)?$",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture)]
    private static partial Regex ManyHosts();
}

/// <summary>
/// Healthy while every broker loop of the process can do its work; degraded if the broker refuses some queues or does not answer for them.
/// </summary>
internal sealed class BrokerHealthCheck(IEnumerable<BrokerLoop> loops) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var idle = loops.Where(loop => !loop.IsReady).Select(loop => loop.Name).ToArray();
        var refused = loops.SelectMany(loop => loop.RefusedQueues).Distinct().ToArray();
        return Task.FromResult(
            idle.Length > 0
                ? new HealthCheckResult(context.Registration.FailureStatus, $"The broker cannot be used by: {string.Join(", ", idle)}.")
            : refused.Length > 0
                ? HealthCheckResult.Degraded($"The broker refuses these queues, or does not answer for them: {string.Join(", ", refused)}.")
            : HealthCheckResult.Healthy());
    }
}

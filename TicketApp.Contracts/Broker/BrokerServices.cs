using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using RabbitMQ.Client;
using TicketApp.ServiceDefaults;

namespace TicketApp.Contracts.Broker;

/// <summary>Registers what a process needs to talk to the broker.</summary>
public static class BrokerServices
{
    /// <summary>Adds the connection factory (connection string <c>rabbitmq</c>), the publisher and the broker's health check.</summary>
    /// <param name="builder">The process.</param>
    /// <param name="withoutBroker">How healthy the process is without it: degraded if it still serves its callers.</param>
    public static IHostApplicationBuilder AddBroker(this IHostApplicationBuilder builder, HealthStatus withoutBroker)
    {
        builder.RequireConnectionString("rabbitmq", uri => _ = new ConnectionFactory { Uri = new(uri) });
        builder.AddRabbitMQClient(
            "rabbitmq",
            settings =>
            {
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
                factory.RequestedConnectionTimeout = TimeSpan.FromSeconds(5);
                factory.ClientProvidedName = builder.Environment.ApplicationName;
            });
        builder.Services.TryAddSingleton<LoopProgress>();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddBrokerLoop<BrokerPublisher>().AddActivatedSingleton<BrokerMetrics>();
        builder.Services.AddHealthChecks().AddCheck<BrokerHealthCheck>("broker", withoutBroker);
        return builder;
    }

    /// <summary>Adds a loop as a singleton, as a hosted service and to the broker's health check.</summary>
    public static IServiceCollection AddBrokerLoop<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(this IServiceCollection services)
        where T : BrokerLoop =>
        services
            .AddSingleton<T>()
            .AddSingleton<BrokerLoop>(provider => provider.GetRequiredService<T>())
            .AddHostedService(provider => provider.GetRequiredService<T>());
}

using Aspire.RabbitMQ.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using RabbitMQ.Client;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers a RabbitMQ connection with health check and telemetry.</summary>
public static class AspireRabbitMQExtensions
{
    private const string SectionName = "Aspire:RabbitMQ:Client";

    /// <summary>
    /// Registers <see cref="IConnectionFactory"/> and <see cref="IConnection"/> as singletons for the connection string
    /// <paramref name="connectionName"/>.
    /// </summary>
    /// <param name="builder">The application being built.</param>
    /// <param name="connectionName">Name in the ConnectionStrings section.</param>
    /// <param name="configureSettings">Last word on the settings, after configuration was read.</param>
    /// <param name="configureConnectionFactory">Last word on the factory, after configuration was read.</param>
    public static void AddRabbitMQClient(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<RabbitMQClientSettings>? configureSettings = null,
        Action<ConnectionFactory>? configureConnectionFactory = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);

        var section = builder.Configuration.GetSection(SectionName);
        var named = section.GetSection(connectionName);
        var settings = new RabbitMQClientSettings();
        section.Bind(settings);
        named.Bind(settings);
        settings.ConnectionString = builder.Configuration.GetConnectionString(connectionName) ?? settings.ConnectionString;
        configureSettings?.Invoke(settings);

        builder.Services.AddSingleton<IConnectionFactory>(_ =>
        {
            var factory = new ConnectionFactory();
            section.GetSection("ConnectionFactory").Bind(factory);
            named.GetSection("ConnectionFactory").Bind(factory);
            if (!string.IsNullOrEmpty(settings.ConnectionString))
            {
                factory.Uri = new Uri(settings.ConnectionString);
            }

            configureConnectionFactory?.Invoke(factory);
            return factory;
        });

        // A singleton is made synchronously, a connection is not: the first caller waits for it.
        builder.Services.AddSingleton(services => RabbitMQConnector
            .ConnectAsync(services.GetRequiredService<IConnectionFactory>(), settings.MaxConnectRetryCount)
            .GetAwaiter().GetResult());

        AddObservability(builder, settings);
    }

    private static void AddObservability(IHostApplicationBuilder builder, RabbitMQClientSettings settings)
    {
        if (!settings.DisableAutoActivation)
        {
            builder.Services.AddHostedService<ConnectionActivation>();
        }

        if (!settings.DisableTracing)
        {
            builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing
                .AddSource(RabbitMQConnector.ActivitySourceName)
                .AddSource("RabbitMQ.Client.*"));
        }

        const string Check = "RabbitMQ.Client";
        if (!settings.DisableHealthChecks && builder.Properties.TryAdd($"Aspire.HealthChecks.{Check}", true))
        {
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
                Check,
                services => new RabbitMQHealthCheck(services),
                failureStatus: null,
                tags: null));
        }
    }
}

using Aspire.Npgsql;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers a PostgreSQL data source with health check and telemetry.</summary>
public static class AspirePostgreSqlNpgsqlExtensions
{
    private const string SectionName = "Aspire:Npgsql";

    /// <summary>
    /// Registers <see cref="NpgsqlDataSource"/> for the connection string <paramref name="connectionName"/>.
    /// </summary>
    /// <param name="builder">The application being built.</param>
    /// <param name="connectionName">Name in the ConnectionStrings section.</param>
    /// <param name="configureSettings">Last word on the settings, after configuration was read.</param>
    /// <param name="configureDataSourceBuilder">Customizes the data source.</param>
    public static void AddNpgsqlDataSource(
        this IHostApplicationBuilder builder,
        string connectionName,
        Action<NpgsqlSettings>? configureSettings = null,
        Action<NpgsqlDataSourceBuilder>? configureDataSourceBuilder = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(connectionName);

        var settings = ReadSettings(builder.Configuration, connectionName);
        configureSettings?.Invoke(settings);

        builder.Services.AddNpgsqlDataSource(settings.ConnectionString ?? "", dataSource =>
        {
            // Not before the data source is asked for: by then the host can log the error.
            if (string.IsNullOrWhiteSpace(settings.ConnectionString))
            {
                throw new InvalidOperationException(
                    $"ConnectionString is missing. It should be provided in 'ConnectionStrings:{connectionName}' or under the 'ConnectionString' key in '{SectionName}' configuration section.");
            }

            configureDataSourceBuilder?.Invoke(dataSource);
        });

        if (!settings.DisableHealthChecks)
        {
            AddHealthCheckOnce(builder);
        }

        if (!settings.DisableTracing)
        {
            builder.Services.AddOpenTelemetry().WithTracing(tracing => tracing.AddNpgsql());
        }

        if (!settings.DisableMetrics)
        {
            builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter("Npgsql"));
        }
    }

    private static NpgsqlSettings ReadSettings(IConfiguration configuration, string connectionName)
    {
        var settings = new NpgsqlSettings();
        var section = configuration.GetSection(SectionName);
        section.Bind(settings);
        section.GetSection(connectionName).Bind(settings);
        settings.ConnectionString = configuration.GetConnectionString(connectionName) ?? settings.ConnectionString;
        return settings;
    }

    private static void AddHealthCheckOnce(IHostApplicationBuilder builder)
    {
        const string Name = "PostgreSql";
        if (builder.Properties.TryAdd($"Aspire.HealthChecks.{Name}", true))
        {
            builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
                Name,
                services => new NpgsqlHealthCheck(services.GetRequiredService<NpgsqlDataSource>()),
                failureStatus: null,
                tags: null));
        }
    }
}

using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Context.Propagation;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace TicketApp.ServiceDefaults;

/// <summary>What every service of the app has: OpenTelemetry, health endpoints, service discovery and resilient HTTP clients.</summary>
public static class HostDefaults
{
    /// <summary>Whether callers' <c>traceparent</c> is continued, and decides what is sampled. Default: false.</summary>
    private const string TrustTraceParent = "Telemetry:TrustTraceParent";

    /// <summary>Adds the defaults. Telemetry is exported only where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set.</summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.AddTelemetry();
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton<LoopProgress>().AddSingleton<HealthEndpoints>();
        builder.Services.AddHealthChecks().AddCheck<LoopProgress>("loops");
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http =>
        {
            // A repeated POST can make a second ticket; the handler's defaults would repeat it after a 408, 429 or 5xx.
            http.AddStandardResilienceHandler(options => options.Retry.DisableForUnsafeHttpMethods());
            http.AddServiceDiscovery();
        });
        return builder;
    }

    /// <summary>Maps readiness (<c>/health</c>: all checks) and liveness (<c>/alive</c>: the process), in every environment.</summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        HealthEndpoints.Map(app);
        return app;
    }

    /// <summary>Whether telemetry goes anywhere. Where it does not, clients need not make any.</summary>
    public static bool ExportsTelemetry(this IHostApplicationBuilder builder) =>
        !string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);

    private static void AddTelemetry(this IHostApplicationBuilder builder)
    {
        var unusable = ExporterVariables.Clear(builder.Configuration);
        builder.Services.AddHostedService(services =>
            new ExporterVariables(unusable, services.GetRequiredService<ILogger<ExporterVariables>>()));
        if (!builder.ExportsTelemetry())
        {
            return;
        }

        if (!builder.Configuration.GetValue<bool>(TrustTraceParent))
        {
            builder.Services.AddSingleton<DistributedContextPropagator, RestartedTraces>();
        }

        // W3C's trace context alone, which ASP.NET Core has read already: the default would have each request's headers
        // read again, for baggage that nobody uses.
        Sdk.SetDefaultTextMapPropagator(new TraceContextPropagator());
        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.IncludeScopes = true;
        });

        builder.Services.AddOpenTelemetry()
            // Each process its own, or the figures of two replicas would be taken for those of one. The environment may name it otherwise.
            .ConfigureResource(resource => resource
                .AddAttributes([new("service.instance.id", Guid.NewGuid().ToString())])
                .AddEnvironmentVariableDetector())
            // Chosen: all of ASP.NET Core's meters would have each request counted by its router and its memory pool too, and those in
            // progress counted up and down, of which connections (kestrel.active_connections) tell as much.
            .WithMetrics(metrics => metrics
                .AddMeter(TelemetryNames.App, "System.Net.Http", "System.Runtime")
                .AddMeter("Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel")
                .AddView("http.server.active_requests", MetricStreamConfiguration.Drop))
            .WithTracing(tracing => tracing
                .SetSampler(services => new ParentBasedSampler(
                    new RequestSampler(builder.Configuration, services.GetRequiredService<ILogger<RequestSampler>>())))
                .AddSource(TelemetryNames.App)
                .AddSource("System.Net.Http")
                .AddAspNetCoreInstrumentation(options => options.Filter = IsNoProbe))
            .UseOtlpExporter();
    }

    private static bool IsNoProbe(HttpContext context) =>
        !context.Request.Path.StartsWithSegments(HealthEndpoints.ReadinessPath, StringComparison.Ordinal)
        && !context.Request.Path.StartsWithSegments(HealthEndpoints.LivenessPath, StringComparison.Ordinal);
}

/// <summary>
/// Reads nothing of the trace that a request claims to be part of: strangers do not decide which requests are sampled, nor into which
/// traces they go. Each request begins a trace ("restart trace", W3C Trace Context, 4.3).
/// </summary>
internal sealed class RestartedTraces : DistributedContextPropagator
{
    public override IReadOnlyCollection<string> Fields => [];

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
    {
        // For incoming requests alone.
    }

    public override void ExtractTraceIdAndState(
        object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState) =>
        (traceId, traceState) = (null, null);

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;
}

/// <summary>How durations of tickets and runs are measured, in Api and worker alike.</summary>
public static class Durations
{
    /// <summary>Buckets in seconds, from a fraction of a run that takes no time to the longest that the original allows.</summary>
    public static InstrumentAdvice<double> Advice { get; } = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600],
    };
}

/// <summary>Under which names the app's own telemetry goes out.</summary>
public static class TelemetryNames
{
    /// <summary>The source of the app's own spans, and its meter.</summary>
    public const string App = "TicketApp";
}

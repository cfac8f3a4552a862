using Aspire.Hosting.Dashboard;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Running;

/// <summary>What tells a process where its telemetry goes: to the dashboard, else where the AppHost's own environment says, else nowhere.</summary>
internal sealed class TelemetryEnvironment(DashboardOptions dashboard, IHostEnvironment environment)
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    public void Add(Dictionary<string, string> variables, string name, string instanceSuffix)
    {
        if (!dashboard.IsEnabled && string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Endpoint)))
        {
            return;
        }

        variables["OTEL_SERVICE_NAME"] = name;
        variables["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={instanceSuffix}";
        if (dashboard.IsEnabled)
        {
            AddDashboard(variables);
        }
    }

    private void AddDashboard(Dictionary<string, string> variables)
    {
        variables[Endpoint] = dashboard.OtlpUrl;
        variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc";
        variables["OTEL_EXPORTER_OTLP_HEADERS"] = $"x-otlp-api-key={dashboard.OtlpApiKey}";
        variables["OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY"] = "in_memory";
        if (environment.IsDevelopment())
        {
            // Whoever watches waits a second, not five or sixty, and sees everything.
            variables["OTEL_BLRP_SCHEDULE_DELAY"] = "1000";
            variables["OTEL_BSP_SCHEDULE_DELAY"] = "1000";
            variables["OTEL_METRIC_EXPORT_INTERVAL"] = "1000";
            variables["OTEL_TRACES_SAMPLER"] = "always_on";
            variables["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
            variables["OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION"] = "true";
            variables["OTEL_DOTNET_EXPERIMENTAL_HTTPCLIENT_DISABLE_URL_QUERY_REDACTION"] = "true";
        }
    }
}

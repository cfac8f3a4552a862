using System.Security.Cryptography;
using Aspire.Hosting.Running;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Dashboard;

/// <summary>
/// Where the dashboard is and what opens it, from the settings that the real one reads: ASPNETCORE_URLS,
/// ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL, ASPIRE_DASHBOARD_FRONTEND_BROWSERTOKEN and AppHost:OtlpApiKey.
/// </summary>
internal sealed class DashboardOptions
{
    private const string ResourceName = "dashboard";

    public DashboardOptions(IConfiguration configuration, DistributedApplicationOptions application, EndpointAllocator ports)
    {
        IsEnabled = !application.DisableDashboard;
        if (!IsEnabled)
        {
            return;
        }

        Port = ports.ChoosePort(ResourceName, PortOf(configuration["ASPNETCORE_URLS"] ?? configuration["URLS"]));
        OtlpPort = ports.ChoosePort(ResourceName, PortOf(configuration["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"]));
        BrowserToken = Configured(configuration["ASPIRE_DASHBOARD_FRONTEND_BROWSERTOKEN"]);
        OtlpApiKey = Configured(configuration["AppHost:OtlpApiKey"]);
    }

    public bool IsEnabled { get; }

    /// <summary>Where people reach it, always on this machine and never from another.</summary>
    public int Port { get; }

    /// <summary>Where it takes telemetry, by gRPC.</summary>
    public int OtlpPort { get; }

    /// <summary>Logs a browser in.</summary>
    public string BrowserToken { get; } = "";

    /// <summary>What whoever sends telemetry must know.</summary>
    public string OtlpApiKey { get; } = "";

    public string Url => $"http://localhost:{Port}";

    public string LoginUrl => $"{Url}/login?t={BrowserToken}";

    public string OtlpUrl => $"http://localhost:{OtlpPort}";

    private static string Configured(string? value) =>
        string.IsNullOrWhiteSpace(value) ? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)) : value;

    /// <summary>The port of the first of those addresses; null for any free one.</summary>
    private static int? PortOf(string? urls) =>
        Uri.TryCreate(urls?.Split(';')[0], UriKind.Absolute, out var url) && url.Port > 0 ? url.Port : null;
}

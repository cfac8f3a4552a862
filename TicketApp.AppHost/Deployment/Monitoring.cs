namespace TicketApp.AppHost.Deployment;

/// <summary>
/// Alerts and a dashboard, as Prometheus and Grafana take them. The templates in <c>Chart/monitoring</c> make objects of them where a site
/// names the release of Prometheus that is to have them; without one the cluster needs no such kinds.
/// </summary>
internal static class Monitoring
{
    /// <summary>The rules, as they stand beside this file.</summary>
    public static string Alerts => Read("alerts.yaml");

    /// <summary>The dashboard, of the metrics that docs/telemetry.md lists.</summary>
    public static string Dashboard => GrafanaDashboard.Of(Read("telemetry.md"));

    private static string Read(string file) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Deployment", file));
}

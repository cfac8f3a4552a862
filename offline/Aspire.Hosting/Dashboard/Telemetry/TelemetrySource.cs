namespace Aspire.Hosting.Dashboard.Telemetry;

/// <summary>The process that telemetry comes from: the resource's name and, of its replicas, which.</summary>
internal sealed record TelemetrySource(string Name, string Instance);

namespace Aspire.Hosting.Dashboard.Telemetry;

/// <summary>All telemetry that is kept.</summary>
internal sealed class TelemetryStore(TelemetryLimits limits)
{
    public SpanStore Spans { get; } = new(limits);

    public LogStore Logs { get; } = new(limits);

    public MetricStore Metrics { get; } = new(limits);
}

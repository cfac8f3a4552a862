using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Dashboard.Telemetry;

/// <summary>How much telemetry is kept in memory. Configured under <see cref="SectionName"/>.</summary>
internal sealed class TelemetryLimits
{
    public const string SectionName = "Dashboard:TelemetryLimits";

    /// <summary>Log records. Default 10,000.</summary>
    public int MaxLogCount { get; set; } = 10_000;

    /// <summary>Spans, of all traces together. Default 50,000.</summary>
    public int MaxSpanCount { get; set; } = 50_000;

    /// <summary>Series of metrics: one for each process, instrument and set of attributes. Default 2,000.</summary>
    public int MaxSeriesCount { get; set; } = 2_000;

    /// <summary>Bytes of log records, and as many again of spans, whatever their number. Default 32 MiB.</summary>
    public long MaxBytes { get; set; } = 32 << 20;

    /// <exception cref="DistributedApplicationException">A limit is not positive.</exception>
    public static TelemetryLimits From(IConfiguration configuration)
    {
        var limits = configuration.GetSection(SectionName).Get<TelemetryLimits>() ?? new TelemetryLimits();
        return limits is { MaxLogCount: > 0, MaxSpanCount: > 0, MaxSeriesCount: > 0, MaxBytes: > 0 }
            ? limits
            : throw new DistributedApplicationException($"Each limit in {SectionName} must be positive.");
    }
}

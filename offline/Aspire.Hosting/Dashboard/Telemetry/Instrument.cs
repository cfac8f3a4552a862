using Aspire.Hosting.Dashboard.Otlp;

namespace Aspire.Hosting.Dashboard.Telemetry;

internal enum InstrumentKind
{
    Gauge,
    UpDownCounter,
    Counter,
    Histogram,
}

internal sealed record Instrument(string Meter, string Name, string Unit, string Description, InstrumentKind Kind);

/// <summary>A point as it was exported. Of a histogram the value is the sum; other points have no counts and no bounds.</summary>
internal sealed record ReceivedPoint(ulong Time, IReadOnlyList<TelemetryAttribute> Attributes, double Value, double[] Counts, double[] Bounds)
{
    public TelemetrySource Source { get; init; } = new("", "");

    public Instrument Instrument { get; init; } = new("", "", "", "", InstrumentKind.Gauge);

    /// <summary>The value counts from the point before, and not from the start of the process.</summary>
    public bool IsDelta { get; init; }
}

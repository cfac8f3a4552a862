namespace Aspire.Hosting.Dashboard.Telemetry;

/// <summary>A span: what lists and filters need, and the rest as it came.</summary>
internal sealed class StoredSpan
{
    private const int Overhead = 200;

    public required TelemetrySource Source { get; init; }

    public required string Scope { get; init; }

    public required UInt128 TraceId { get; init; }

    public required ulong SpanId { get; init; }

    /// <summary>Zero for the root.</summary>
    public required ulong ParentId { get; init; }

    public required string Name { get; init; }

    public required int Kind { get; init; }

    /// <summary>Nanoseconds since 1970.</summary>
    public required ulong Start { get; init; }

    public required ulong End { get; init; }

    public required bool IsError { get; init; }

    public required byte[] Wire { get; init; }

    public int Size => Wire.Length + (2 * Name.Length) + Overhead;
}

namespace Aspire.Hosting.Dashboard.Telemetry;

/// <summary>A log record: what filters need, and the rest as it came.</summary>
internal sealed class StoredLog
{
    private const int Overhead = 150;

    public required TelemetrySource Source { get; init; }

    public required string Category { get; init; }

    /// <summary>Nanoseconds since 1970.</summary>
    public required ulong Time { get; init; }

    /// <summary>OpenTelemetry's number: 1 trace, 5 debug, 9 information, 13 warning, 17 error, 21 critical.</summary>
    public required int Severity { get; init; }

    public required UInt128 TraceId { get; init; }

    public required ulong SpanId { get; init; }

    public required byte[] Wire { get; init; }

    /// <summary>Counts the records in the order in which they came.</summary>
    public long Number { get; set; }

    public int Size => Wire.Length + Overhead;
}

/// <summary>Which log records to list: each part that is not null must hold.</summary>
internal sealed record LogFilter(string? Source, int MinSeverity, WireText? Text, UInt128? TraceId, long Before, int Limit)
{
    public bool Allows(StoredLog log) =>
        log.Number < Before
        && log.Severity >= MinSeverity
        && (Source is null || log.Source.Name == Source)
        && (TraceId is null || log.TraceId == TraceId)
        && (Text is null || Text.IsIn(log.Category) || Text.IsIn(log.Wire));
}

/// <summary>The latest log records.</summary>
internal sealed class LogStore(TelemetryLimits limits)
{
    private readonly Lock _lock = new();
    private readonly Ring<StoredLog> _logs = new(limits.MaxLogCount, limits.MaxBytes, log => log.Size);
    private long _version;

    /// <summary>How many ever came.</summary>
    public long Version => Interlocked.Read(ref _version);

    public void Add(IEnumerable<StoredLog> logs)
    {
        lock (_lock)
        {
            foreach (var log in logs)
            {
                log.Number = ++_version;
                _logs.Add(log);
            }
        }
    }

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _logs.Count;
            }
        }
    }

    /// <summary>The one that came last first.</summary>
    public IReadOnlyList<StoredLog> Latest(LogFilter filter)
    {
        lock (_lock)
        {
            return [.. _logs.NewestFirst().Where(filter.Allows).Take(filter.Limit)];
        }
    }
}

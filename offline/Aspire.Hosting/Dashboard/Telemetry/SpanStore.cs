namespace Aspire.Hosting.Dashboard.Telemetry;

/// <summary>Which traces to list: each part that is not null must hold.</summary>
internal sealed record TraceFilter(string? Source, WireText? Text, bool RequestsOnly, bool ErrorsOnly, ulong MinNanoseconds, int Limit)
{
    private const int ServerKind = 2;

    public bool Allows(IReadOnlyCollection<StoredSpan> spans, TraceSummary summary) =>
        (!ErrorsOnly || summary.ErrorCount > 0)
        && (!RequestsOnly || spans.Any(span => span.ParentId == 0 && span.Kind == ServerKind))
        && summary.Duration >= MinNanoseconds
        && (Source is null || spans.Any(span => span.Source.Name == Source))
        && (Text is null || Text.IsIn(TraceIds.Format(summary.TraceId)) || spans.Any(span => Text.IsIn(span.Wire)));
}

internal sealed record TraceSummary(
    UInt128 TraceId,
    string Name,
    TelemetrySource Source,
    ulong Start,
    ulong Duration,
    int SpanCount,
    int ErrorCount,
    IReadOnlyList<string> Sources);

/// <summary>The latest spans, found by trace.</summary>
internal sealed class SpanStore
{
    private readonly Lock _lock = new();
    private readonly Ring<StoredSpan> _spans;
    private readonly Dictionary<UInt128, Queue<StoredSpan>> _traces = [];
    private long _version;

    public SpanStore(TelemetryLimits limits) => _spans = new(limits.MaxSpanCount, limits.MaxBytes, span => span.Size, Forget);

    /// <summary>How many spans ever came: says whether anything is new.</summary>
    public long Version => Interlocked.Read(ref _version);

    public void Add(IReadOnlyCollection<StoredSpan> spans)
    {
        lock (_lock)
        {
            foreach (var span in spans)
            {
                _spans.Add(span);
                if (!_traces.TryGetValue(span.TraceId, out var trace))
                {
                    _traces[span.TraceId] = trace = [];
                }

                trace.Enqueue(span);
            }
        }

        Interlocked.Add(ref _version, spans.Count);
    }

    public IReadOnlyList<StoredSpan> Find(UInt128 traceId)
    {
        lock (_lock)
        {
            return _traces.TryGetValue(traceId, out var trace) ? [.. trace] : [];
        }
    }

    /// <summary>The traces that something was heard of last, the one that started last first.</summary>
    public IReadOnlyList<TraceSummary> Latest(TraceFilter filter)
    {
        lock (_lock)
        {
            var seen = new HashSet<UInt128>();
            return
            [
                .. _spans.NewestFirst()
                    .Where(span => seen.Add(span.TraceId))
                    .Select(span => _traces[span.TraceId])
                    .Select(spans => (Spans: spans, Summary: Summarize(spans)))
                    .Where(trace => filter.Allows(trace.Spans, trace.Summary))
                    .Take(filter.Limit)
                    .Select(trace => trace.Summary)
                    .OrderByDescending(summary => summary.Start),
            ];
        }
    }

    private static TraceSummary Summarize(Queue<StoredSpan> spans)
    {
        // The root may not have come yet, or be gone already: then the earliest stands for it.
        var root = spans.MinBy(span => (span.ParentId != 0, span.Start))!;
        var start = spans.Min(span => span.Start);
        return new TraceSummary(
            root.TraceId,
            root.Name,
            root.Source,
            start,
            spans.Max(span => Math.Max(span.End, span.Start)) - start,
            spans.Count,
            spans.Count(span => span.IsError),
            [.. spans.Select(span => span.Source.Name).Distinct()]);
    }

    // The oldest span of all is also the oldest of its trace.
    private void Forget(StoredSpan span)
    {
        var trace = _traces[span.TraceId];
        trace.Dequeue();
        if (trace.Count == 0)
        {
            _traces.Remove(span.TraceId);
        }
    }
}

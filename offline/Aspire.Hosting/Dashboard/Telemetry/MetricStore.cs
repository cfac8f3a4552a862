namespace Aspire.Hosting.Dashboard.Telemetry;

/// <summary>The series of all instruments. Where there are too many, the one that was silent longest goes.</summary>
internal sealed class MetricStore(TelemetryLimits limits)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(TelemetrySource, string Meter, string Name, string Attributes), MetricSeries> _series = [];
    private long _version;

    /// <summary>How many points ever came.</summary>
    public long Version => Interlocked.Read(ref _version);

    public int SeriesCount
    {
        get
        {
            lock (_lock)
            {
                return _series.Count;
            }
        }
    }

    public void Add(IReadOnlyCollection<ReceivedPoint> points)
    {
        lock (_lock)
        {
            foreach (var point in points)
            {
                Find(point).Add(point);
            }
        }

        Interlocked.Add(ref _version, points.Count);
    }

    /// <summary>Runs a query over the series, which do not change meanwhile.</summary>
    public T Query<T>(Func<IEnumerable<MetricSeries>, T> query)
    {
        lock (_lock)
        {
            return query(_series.Values);
        }
    }

    private MetricSeries Find(ReceivedPoint point)
    {
        var attributes = string.Join('\n', point.Attributes.Select(attribute => $"{attribute.Key}={attribute.Value}").Order(StringComparer.Ordinal));
        var key = (point.Source, point.Instrument.Meter, point.Instrument.Name, attributes);
        if (_series.TryGetValue(key, out var series) && series.Bounds.SequenceEqual(point.Bounds))
        {
            return series;
        }

        if (series is null && _series.Count == limits.MaxSeriesCount)
        {
            _series.Remove(_series.MinBy(pair => pair.Value.LastSlot).Key);
        }

        return _series[key] = new MetricSeries(point.Source, point.Instrument, point.Attributes, point.Bounds);
    }
}

namespace Aspire.Hosting.Dashboard.Telemetry;

/// <summary>Which series of an instrument go into its chart: each part that is not null must hold.</summary>
internal sealed record ChartFilter(string Meter, string Name, string? Source, IReadOnlyDictionary<string, string> Attributes, int Minutes)
{
    public bool Allows(MetricSeries series) =>
        series.Instrument.Meter == Meter
        && series.Instrument.Name == Name
        && (Source is null || series.Source.Name == Source)
        && Attributes.All(wanted => series.Attributes.Any(attribute => attribute.Key == wanted.Key && attribute.Value == wanted.Value));
}

/// <summary>A value for each slot; null where there is none.</summary>
internal sealed record ChartLine(string Label, double?[] Values);

/// <summary>Lines over the slots that end at <paramref name="End"/>, in seconds since 1970.</summary>
internal sealed record MetricChart(long End, int SlotSeconds, IReadOnlyList<ChartLine> Lines);

/// <summary>Counters as rates, histograms as quantiles, other instruments as they are.</summary>
internal static class MetricCharts
{
    private const int MostLines = 8;

    private static readonly (string Label, double Quantile)[] _quantiles = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)];

    public static MetricChart Draw(IEnumerable<MetricSeries> all, ChartFilter filter, DateTimeOffset now)
    {
        var series = all.Where(filter.Allows).ToArray();
        var last = now.ToUnixTimeSeconds() / MetricSeries.SlotSeconds;
        var count = Math.Clamp(filter.Minutes * 60 / MetricSeries.SlotSeconds, 1, MetricSeries.KeptSlots);
        var slots = new Slots(last - count + 1, count);
        IReadOnlyList<ChartLine> lines = series.Length == 0 ? [] : series[0].Instrument.Kind switch
        {
            InstrumentKind.Counter => [new ChartLine("per second", Rate(series, slots))],
            InstrumentKind.Histogram => Quantiles(series, slots),
            InstrumentKind.UpDownCounter => [new ChartLine("sum", Total(series, slots, (one, other) => one + other))],
            _ => PerProcess(series, slots),
        };
        return new MetricChart((last + 1) * MetricSeries.SlotSeconds, MetricSeries.SlotSeconds, lines);
    }

    /// <summary>The value below which that part of the counted ones lies, evenly spread within its bucket; null where none was counted.</summary>
    public static double? QuantileOf(double[] counts, double[] bounds, double quantile)
    {
        var rank = quantile * counts.Sum();
        if (rank <= 0 || bounds.Length == 0)
        {
            return null;
        }

        var bucket = 0;
        for (; bucket < bounds.Length && rank > counts[bucket]; bucket++)
        {
            rank -= counts[bucket];
        }

        if (bucket >= bounds.Length)
        {
            return bounds[^1];
        }

        var lower = bucket == 0 ? Math.Min(0, bounds[0]) : bounds[bucket - 1];
        return lower + ((bounds[bucket] - lower) * rank / counts[bucket]);
    }

    private static double?[] Rate(IEnumerable<MetricSeries> series, Slots slots)
    {
        var rates = new double?[slots.Count];
        foreach (var (slot, covered, value, _) in series.SelectMany(one => one.Growth(slots.First)))
        {
            for (var i = Math.Max(0, slots.IndexOf(slot) - covered + 1); i <= slots.IndexOf(slot) && i < slots.Count; i++)
            {
                rates[i] = (rates[i] ?? 0) + (value / covered / MetricSeries.SlotSeconds);
            }
        }

        return rates;
    }

    private static ChartLine[] Quantiles(MetricSeries[] series, Slots slots)
    {
        // Buckets of other bounds cannot be added up; the processes of one program have the same.
        var bounds = series[0].Bounds;
        var counts = new double[slots.Count][];
        foreach (var (slot, _, _, grown) in series.Where(one => one.Bounds.SequenceEqual(bounds)).SelectMany(one => one.Growth(slots.First)))
        {
            if (slots.IndexOf(slot) < slots.Count)
            {
                var sum = counts[slots.IndexOf(slot)] ??= new double[bounds.Length + 1];
                for (var i = 0; i < grown.Length; i++)
                {
                    sum[i] += grown[i];
                }
            }
        }

        return [.. _quantiles.Select(line => new ChartLine(line.Label, [.. counts.Select(sum => sum is null ? null : QuantileOf(sum, bounds, line.Quantile))]))];
    }

    private static ChartLine[] PerProcess(MetricSeries[] series, Slots slots) =>
    [
        .. series.GroupBy(one => one.Source)
            .OrderByDescending(process => process.Max(one => one.LastSlot))
            .Take(MostLines)
            .OrderBy(process => process.Key.Name, StringComparer.Ordinal).ThenBy(process => process.Key.Instance, StringComparer.Ordinal)
            .Select(process => new ChartLine($"{process.Key.Name} {process.Key.Instance}".Trim(), Total(process, slots, Math.Max))),
    ];

    private static double?[] Total(IEnumerable<MetricSeries> series, Slots slots, Func<double, double, double> join)
    {
        var totals = new double?[slots.Count];
        foreach (var (slot, value) in series.SelectMany(one => one.Values(slots.First)))
        {
            if (slots.IndexOf(slot) < slots.Count)
            {
                totals[slots.IndexOf(slot)] = totals[slots.IndexOf(slot)] is { } other ? join(other, value) : value;
            }
        }

        return totals;
    }

    private readonly record struct Slots(long First, int Count)
    {
        public int IndexOf(long slot) => (int)Math.Min(slot - First, Count);
    }
}

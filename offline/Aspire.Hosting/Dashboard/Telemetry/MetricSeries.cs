using Aspire.Hosting.Dashboard.Otlp;

namespace Aspire.Hosting.Dashboard.Telemetry;

/// <summary>The last half hour of one instrument in one process with one set of attributes, a value for every five seconds.</summary>
internal sealed class MetricSeries(TelemetrySource source, Instrument instrument, IReadOnlyList<TelemetryAttribute> attributes, double[] bounds)
{
    public const int SlotSeconds = 5;
    public const int KeptSlots = 30 * 60 / SlotSeconds;

    private readonly Queue<Point> _points = [];
    private Point? _last;
    private Point? _base = new(0, 0, []);

    public TelemetrySource Source { get; } = source;

    public Instrument Instrument { get; } = instrument;

    public IReadOnlyList<TelemetryAttribute> Attributes { get; } = attributes;

    /// <summary>The upper bounds of a histogram's buckets; the last bucket has none.</summary>
    public double[] Bounds { get; } = bounds;

    public long LastSlot => _last?.Slot ?? 0;

    public static long SlotOf(ulong nanoseconds) => (long)(nanoseconds / 1_000_000_000) / SlotSeconds;

    public void Add(ReceivedPoint received)
    {
        var point = new Point(SlotOf(received.Time), received.Value, received.Counts);
        point = received.IsDelta && _last is { } before ? before.Plus(point) : point;
        if (point.Slot <= LastSlot)
        {
            // The latest of its slot stands for it.
            _last!.Value = point.Value;
            _last.Counts = point.Counts;
            return;
        }

        _last = point;
        _points.Enqueue(point);
        while (_points.Peek().Slot <= point.Slot - KeptSlots)
        {
            _base = _points.Dequeue();
        }
    }

    /// <summary>The value at each slot from <paramref name="first"/> on.</summary>
    public IEnumerable<(long Slot, double Value)> Values(long first) =>
        _points.Where(point => point.Slot >= first).Select(point => (point.Slot, point.Value));

    /// <summary>By how much the value and each bucket grew up to each slot, since the one before.</summary>
    public IEnumerable<(long Slot, int Slots, double Value, double[] Counts)> Growth(long first)
    {
        var before = _base!;
        foreach (var point in _points)
        {
            if (point.Slot >= first)
            {
                // A process that started anew counts from zero.
                var since = point.IsAfter(before) ? before : new Point(before.Slot, 0, []);
                var slots = before.Slot == 0 ? 1 : (int)(point.Slot - before.Slot);
                yield return (point.Slot, slots, point.Value - since.Value, point.Minus(since));
            }

            before = point;
        }
    }

    private sealed class Point(long slot, double value, double[] counts)
    {
        public long Slot { get; } = slot;

        public double Value { get; set; } = value;

        public double[] Counts { get; set; } = counts;

        public bool IsAfter(Point before) => Counts.Length > 0 ? Counts.Sum() >= before.Counts.Sum() : Value >= before.Value;

        public Point Plus(Point later) => new(later.Slot, Value + later.Value, [.. later.Counts.Select((count, i) => count + Counts.ElementAtOrDefault(i))]);

        public double[] Minus(Point before) => [.. Counts.Select((count, i) => count - before.Counts.ElementAtOrDefault(i))];
    }
}

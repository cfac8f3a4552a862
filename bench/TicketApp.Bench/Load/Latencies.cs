namespace TicketApp.Bench.Load;

/// <summary>Latencies of one run, in milliseconds.</summary>
internal sealed class Latencies
{
    private readonly List<double> _values = [];
    private readonly Lock _lock = new();
    private bool _sorted;

    public int Count => _values.Count;

    public void Add(TimeSpan latency)
    {
        lock (_lock)
        {
            _values.Add(latency.TotalMilliseconds);
            _sorted = false;
        }
    }

    /// <summary>The value that <paramref name="percent"/> of all do not exceed; NaN if there are none.</summary>
    public double Percentile(double percent)
    {
        lock (_lock)
        {
            if (_values.Count == 0)
            {
                return double.NaN;
            }

            if (!_sorted)
            {
                _values.Sort();
                _sorted = true;
            }

            return _values[Math.Clamp((int)Math.Ceiling(percent / 100 * _values.Count) - 1, 0, _values.Count - 1)];
        }
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;

namespace TicketApp.Api.Dispatch;

/// <summary>How long the runs of one model took lately: their mean, and the last few hundred of them.</summary>
internal sealed class ModelRunTimes
{
    // Of each result's weight in the mean: the last hundred or so decide.
    private const double Weight = 0.02;
    private const double ShortMilliseconds = 20;
    private const int Kept = 256;

    // Sorting a few hundred numbers for each that asks would be most of its work.
    private static readonly TimeSpan _sortedFor = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly int[] _last = new int[Kept];
    private long _count;
    private double? _mean;
    private int[] _sorted = [];
    private long _sortedAt;

    /// <summary>Whether runs are so short that it does not matter which of two workers gets a ticket. False until some were seen.</summary>
    public bool AreShort
    {
        get
        {
            lock (_lock)
            {
                return _mean < ShortMilliseconds;
            }
        }
    }

    /// <summary>Half of the last runs took no longer; null until one was seen.</summary>
    public TimeSpan? Median => Share(0.5);

    /// <summary>Nine of ten of the last runs took no longer; null until one was seen.</summary>
    public TimeSpan? P90 => Share(0.9);

    public void Add(int milliseconds)
    {
        lock (_lock)
        {
            _mean = _mean is { } mean ? mean + (Weight * (milliseconds - mean)) : milliseconds;
            _last[_count++ % Kept] = milliseconds;
        }
    }

    private TimeSpan? Share(double share)
    {
        lock (_lock)
        {
            if (_count == 0)
            {
                return null;
            }

            if (_sorted.Length == 0 || Stopwatch.GetElapsedTime(_sortedAt) > _sortedFor)
            {
                _sorted = [.. _last.AsSpan(0, (int)Math.Min(_count, Kept))];
                Array.Sort(_sorted);
                _sortedAt = Stopwatch.GetTimestamp();
            }

            return TimeSpan.FromMilliseconds(_sorted[(int)Math.Ceiling(share * _sorted.Length) - 1]);
        }
    }
}

/// <summary>How long the runs of each model took lately, as far as this replica saw their results.</summary>
internal sealed class RunTimes
{
    private readonly ConcurrentDictionary<string, ModelRunTimes> _models = new(StringComparer.Ordinal);

    /// <summary>Those of <paramref name="model"/>.</summary>
    public ModelRunTimes Of(string model) => _models.GetOrAdd(model, static _ => new());
}

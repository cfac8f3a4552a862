namespace TicketApp.Api.Dispatch;

/// <summary>How long runs took lately, as far as this replica saw their results.</summary>
internal sealed class RunTimes
{
    // Of each result's weight in the mean: the last hundred or so decide.
    private const double Weight = 0.02;
    private const double ShortMilliseconds = 20;

    private readonly Lock _lock = new();
    private double? _mean;

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

    public void Add(IEnumerable<int> milliseconds)
    {
        lock (_lock)
        {
            foreach (var time in milliseconds)
            {
                _mean = _mean is { } mean ? mean + (Weight * (time - mean)) : time;
            }
        }
    }
}

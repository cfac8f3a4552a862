using System.Diagnostics;

namespace TicketApp.Api.Completion;

/// <summary>
/// Says whether ended leases mean anything. While workers' reports cannot reach the database (no broker, a broker that takes no
/// messages, no database, this process just started, reports that wait behind many others) a lease that runs out says nothing of its
/// worker. So leases count only while probes are seen, which expire where reports take long. Once they are seen again, every running ticket
/// gets the time of two heartbeats before the next lease is taken away.
/// </summary>
internal sealed class LeaseClock
{
    // Less than any lease has left when a heartbeat is due, so that silence is noticed before the first lease could end of it.
    private static readonly TimeSpan _maxSilence = TimeSpan.FromSeconds(8);

    private readonly Lock _lock = new();
    private long? _lastSeen;
    private bool _extended;

    /// <summary>A probe came through, into the database.</summary>
    /// <param name="arrived">When this process got it, as <see cref="Stopwatch.GetTimestamp"/>.</param>
    public void ProbeSeen(long arrived)
    {
        lock (_lock)
        {
            _lastSeen = Math.Max(_lastSeen ?? 0, arrived);
        }
    }

    /// <summary>Reports may have been held up.</summary>
    public void Interrupted()
    {
        lock (_lock)
        {
            _lastSeen = null;
            _extended = false;
        }
    }

    /// <summary>Whether leases count now; if not, the caller stays away from them.</summary>
    /// <param name="extensionIsDue">Leases must first be extended, after which the caller says <see cref="Extended"/>.</param>
    public bool Counts(out bool extensionIsDue)
    {
        lock (_lock)
        {
            if (_lastSeen is not { } seen || Stopwatch.GetElapsedTime(seen) > _maxSilence)
            {
                _extended = false;
            }

            extensionIsDue = !_extended;
            return _lastSeen is { } last && Stopwatch.GetElapsedTime(last) <= _maxSilence;
        }
    }

    public void Extended()
    {
        lock (_lock)
        {
            _extended = true;
        }
    }
}

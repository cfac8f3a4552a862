using System.Diagnostics;
using TicketApp.Bench.Machine;

namespace TicketApp.Bench.Load;

/// <summary>Serves all callers on one thread: wakes for an answer or for the next request that is due, and does all that waits.</summary>
internal static class CallerLoop
{
    // Ends a wait now and then, for a cancellation to be seen.
    private static readonly TimeSpan _maxWait = TimeSpan.FromMilliseconds(200);

    // A wait takes this much longer than asked for.
    private static readonly TimeSpan _timerSlack = TimeSpan.FromMicroseconds(60);

    public static Task RunAsync(IReadOnlyList<Caller> callers, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(
            () => Run(callers, cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static void Run(IReadOnlyList<Caller> callers, CancellationToken cancellationToken)
    {
        // There may be fewer tickets than callers.
        List<Caller> active = [.. callers.Where(caller => !caller.HasEnded)];
        var descriptors = new PollDescriptor[callers.Count];
        while (active.Count > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var next = SendDue(active);
            for (var i = 0; i < active.Count; i++)
            {
                descriptors[i] = active[i].IsWaiting ? active[i].Connection.Descriptor : new(-1);
            }

            var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), next) - _timerSlack;
            var bounded = wait < TimeSpan.Zero ? TimeSpan.Zero : wait < _maxWait ? wait : _maxWait;
            if (Libc.Poll(descriptors.AsSpan(0, active.Count), bounded) > 0)
            {
                for (var i = 0; i < active.Count; i++)
                {
                    if (descriptors[i].IsReady)
                    {
                        active[i].Receive();
                    }
                }
            }

            active.RemoveAll(caller => caller.HasEnded);
        }
    }

    /// <returns>When the next request is due.</returns>
    private static long SendDue(List<Caller> callers)
    {
        var next = long.MaxValue;
        var now = Stopwatch.GetTimestamp();
        foreach (var caller in callers)
        {
            if (!caller.IsWaiting)
            {
                if (caller.Due <= now)
                {
                    caller.Send();
                }
                else
                {
                    next = Math.Min(next, caller.Due);
                }
            }
        }

        return next == long.MaxValue ? now + Stopwatch.Frequency : next;
    }
}

using System.Diagnostics;

namespace TicketApp.Api.Backlog;

/// <summary>
/// The backlog as requests see it: one look serves all that come until the next one is due, and looks take a bounded share of the time,
/// however many ask. Nobody asks, nobody looks.
/// </summary>
internal sealed class BacklogView(BacklogStore store) : IDisposable
{
    // A look is followed by a pause of twenty times as long: at most a twentieth of one connection's time.
    private const int PauseFactor = 20;

    private readonly SemaphoreSlim _looking = new(1);
    private volatile Look? _last;

    public async ValueTask<BacklogSnapshot> GetAsync(CancellationToken cancellationToken)
    {
        if (_last is { IsFresh: true } fresh)
        {
            return fresh.Snapshot;
        }

        await _looking.WaitAsync(cancellationToken);
        try
        {
            if (_last is not { IsFresh: true })
            {
                var started = Stopwatch.GetTimestamp();
                var snapshot = await store.LookAsync(cancellationToken);
                _last = new(snapshot, Stopwatch.GetTimestamp() + (PauseFactor * (Stopwatch.GetTimestamp() - started)));
            }

            return _last.Snapshot;
        }
        finally
        {
            _looking.Release();
        }
    }

    public void Dispose() => _looking.Dispose();

    private sealed record Look(BacklogSnapshot Snapshot, long Until)
    {
        public bool IsFresh => Stopwatch.GetTimestamp() < Until;
    }
}

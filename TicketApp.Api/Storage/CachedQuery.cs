using System.Diagnostics;

namespace TicketApp.Api.Storage;

/// <summary>
/// One look into the database for all who ask until the next one is due. It is followed by a pause in proportion to its time, so that looks
/// take a bounded share of one connection, however many ask and however much there is to look at.
/// </summary>
/// <param name="look">Looks.</param>
/// <param name="minPause">The least time between two looks.</param>
internal sealed class CachedQuery<T>(Func<CancellationToken, Task<T>> look, TimeSpan minPause = default) : IDisposable
    where T : class
{
    private const int PauseFactor = 20;

    private readonly SemaphoreSlim _querying = new(1);
    private volatile Seen? _last;

    public async ValueTask<T> GetAsync(CancellationToken cancellationToken)
    {
        if (_last is { IsFresh: true } fresh)
        {
            return fresh.Value;
        }

        await _querying.WaitAsync(cancellationToken);
        try
        {
            if (_last is { IsFresh: true } meanwhile)
            {
                return meanwhile.Value;
            }

            var started = Stopwatch.GetTimestamp();
            var value = await look(cancellationToken);
            var ended = Stopwatch.GetTimestamp();
            _last = new(value, ended + Math.Max(PauseFactor * (ended - started), (long)(minPause.TotalSeconds * Stopwatch.Frequency)));
            return value;
        }
        finally
        {
            _querying.Release();
        }
    }

    public void Dispose() => _querying.Dispose();

    private sealed record Seen(T Value, long Until)
    {
        public bool IsFresh => Stopwatch.GetTimestamp() < Until;
    }
}

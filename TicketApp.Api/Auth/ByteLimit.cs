using Microsoft.Extensions.Options;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Auth;

/// <summary>
/// Bounds the memory that large requests and answers take at once on this replica. A request says what it is about to take, and is refused
/// before it takes it; what it has is free again when its answer is sent. One alone is served whatever its size.
/// </summary>
internal sealed class ByteLimit(IOptions<LimitOptions> options)
{
    // Requests that take less are not counted one by one.
    private const int Small = 64 * 1024;

    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(100);

    private long _taken;

    /// <summary>Nothing yet, until the end of the request.</summary>
    public TakenBytes Begin(HttpContext context)
    {
        TakenBytes taken = new(this);
        context.Response.RegisterForDispose(taken);
        return taken;
    }

    /// <summary>Takes <paramref name="bytes"/> until the end of the request, if they are many.</summary>
    /// <exception cref="OverloadedException">Others have too many.</exception>
    public void Take(HttpContext context, long bytes)
    {
        if (bytes > Small)
        {
            Begin(context).Add(bytes);
        }
    }

    /// <summary>Takes <paramref name="bytes"/> until that is disposed of, if they are many. Waits while others have too many.</summary>
    public async Task<TakenBytes> TakeSoonAsync(long bytes, CancellationToken cancellationToken)
    {
        TakenBytes taken = new(this);
        while (bytes > Small && !taken.TryAdd(bytes))
        {
            await Task.Delay(_retry, cancellationToken);
        }

        return taken;
    }

    private bool TryTake(long bytes, long own)
    {
        if (Interlocked.Add(ref _taken, bytes) is var taken && (taken <= options.Value.MaxBytesInFlight || taken == own + bytes))
        {
            return true;
        }

        Interlocked.Add(ref _taken, -bytes);
        return false;
    }

    private void Release(long bytes) => Interlocked.Add(ref _taken, -bytes);

    /// <summary>What one request has taken.</summary>
    internal sealed class TakenBytes(ByteLimit limit) : IDisposable
    {
        public long Count { get; private set; }

        /// <summary>Takes more.</summary>
        /// <exception cref="OverloadedException">Others have too many.</exception>
        public void Add(long bytes)
        {
            if (!TryAdd(bytes))
            {
                throw new OverloadedException("Too many large requests and answers are in flight.");
            }
        }

        /// <summary>Takes more, unless others have too many.</summary>
        public bool TryAdd(long bytes)
        {
            if (!limit.TryTake(bytes, Count))
            {
                return false;
            }

            Count += bytes;
            return true;
        }

        public void Dispose()
        {
            limit.Release(Count);
            Count = 0;
        }
    }
}

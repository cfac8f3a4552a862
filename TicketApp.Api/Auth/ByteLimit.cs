using Microsoft.Extensions.Options;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Auth;

/// <summary>
/// Bounds the memory that large requests and answers take at once on this replica, in all and for each user. A request says what it is
/// about to take, and is refused before it takes it; what it has is free again when its answer is sent. One alone is served whatever its
/// size.
/// </summary>
internal sealed class ByteLimit(IOptions<LimitOptions> options)
{
    // Requests that take less are not counted one by one.
    private const int Small = 64 * 1024;

    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly UserShares _users = new();
    private long _taken;

    private LimitOptions Options => options.Value;

    /// <summary>Nothing yet, until the end of the request.</summary>
    public TakenBytes Begin(HttpContext context)
    {
        TakenBytes taken = new(this, Caller.Of(context).UserId);
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
    public async Task<TakenBytes> TakeSoonAsync(Guid userId, long bytes, CancellationToken cancellationToken)
    {
        TakenBytes taken = new(this, userId);
        while (bytes > Small && !taken.TryAdd(bytes, mayExceed: true))
        {
            await Task.Delay(_retry, cancellationToken);
        }

        return taken;
    }

    /// <summary>What one request has taken. Parts of the request may take more at the same time.</summary>
    internal sealed class TakenBytes(ByteLimit limit, Guid? userId = null) : IDisposable
    {
        public long Count { get; private set; }

        /// <summary>Takes more.</summary>
        /// <exception cref="OverloadedException">Others have too many.</exception>
        public void Add(long bytes) => Add(bytes, mayExceed: true);

        /// <summary>Takes more for one part of an answer of many, which can do without it: not even alone more than there may be.</summary>
        /// <exception cref="OverloadedException">The request or others have too many.</exception>
        public void AddPart(long bytes) => Add(bytes, mayExceed: false);

        /// <summary>Takes more, unless others have too many.</summary>
        /// <param name="bytes">How many.</param>
        /// <param name="mayExceed">Whether they are taken whatever their number while no other request has any.</param>
        public bool TryAdd(long bytes, bool mayExceed)
        {
            var most = limit.Options.MaxBytesInFlight;
            lock (limit._lock)
            {
                if (limit._taken + bytes > most && (limit._taken > Count || !mayExceed)
                    || !limit._users.TryTake(userId, bytes, limit.Options.ShareOf(most), Count))
                {
                    return false;
                }

                limit._taken += bytes;
                Count += bytes;
                return true;
            }
        }

        /// <summary>Gives back what is more than <paramref name="bytes"/>.</summary>
        public void Reduce(long bytes)
        {
            lock (limit._lock)
            {
                var excess = Math.Max(0, Count - bytes);
                limit._taken -= excess;
                limit._users.Release(userId, excess);
                Count -= excess;
            }
        }

        public void Dispose() => Reduce(0);

        private void Add(long bytes, bool mayExceed)
        {
            if (!TryAdd(bytes, mayExceed))
            {
                throw new OverloadedException("Too many large requests and answers are in flight.");
            }
        }
    }
}

/// <summary>Counts what each user has of something that all share, so that none has all of it. Used under a lock.</summary>
internal sealed class UserShares
{
    private readonly Dictionary<Guid, long> _taken = [];

    /// <summary>Takes more for a user, unless the user's other requests have too much.</summary>
    /// <param name="userId">Null for callers without a share of their own, who are not counted.</param>
    /// <param name="amount">How much.</param>
    /// <param name="most">How much the user may have in all. One request alone gets what it asks for.</param>
    /// <param name="own">What the same request has already.</param>
    public bool TryTake(Guid? userId, long amount, long most, long own = 0)
    {
        if (userId is not { } user)
        {
            return true;
        }

        var taken = _taken.GetValueOrDefault(user);
        if (taken > own && taken + amount > most)
        {
            return false;
        }

        _taken[user] = taken + amount;
        return true;
    }

    /// <summary>Gives back what was taken.</summary>
    public void Release(Guid? userId, long amount)
    {
        if (userId is { } user && _taken.TryGetValue(user, out var taken))
        {
            if (taken > amount)
            {
                _taken[user] = taken - amount;
            }
            else
            {
                _taken.Remove(user);
            }
        }
    }
}

using System.Net.Sockets;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace TicketApp.Api.Auth;

/// <summary>
/// A bucket of tokens for each caller, refilled several times a second. The buckets of callers that were
/// not heard of for some seconds are thrown away, so there are as many as there are callers at a time.
/// </summary>
internal sealed class RequestLimit : IDisposable
{
    private const int RefillsPerSecond = 10;

    // The key of callers without limit: administrators.
    private static readonly Guid _unlimited = Guid.Empty;

    private readonly int _perSecond;
    private readonly string _policy;

    public RequestLimit(IOptions<LimitOptions> options)
    {
        _perSecond = options.Value.RequestsPerSecond;
        if (_perSecond == 0)
        {
            _policy = "";
            Limiter = PartitionedRateLimiter.Create<HttpContext, Guid>(_ => RateLimitPartition.GetNoLimiter(_unlimited));
            return;
        }

        _policy = $"\"requests\";q={_perSecond};w=1";
        var refill = (_perSecond + RefillsPerSecond - 1) / RefillsPerSecond;
        TokenBucketRateLimiterOptions bucket = new()
        {
            TokenLimit = _perSecond,
            TokensPerPeriod = refill,
            ReplenishmentPeriod = TimeSpan.FromSeconds((double)refill / _perSecond),
            QueueLimit = 0,
            AutoReplenishment = false,
        };
        Limiter = PartitionedRateLimiter.Create<HttpContext, Guid>(context =>
        {
            var key = KeyOf(context);
            return key == _unlimited ? RateLimitPartition.GetNoLimiter(key) : RateLimitPartition.GetTokenBucketLimiter(key, _ => bucket);
        });
    }

    public PartitionedRateLimiter<HttpContext> Limiter { get; }

    /// <summary>
    /// Whether a key that is not known may be looked up: not if its address has no request left. Refused requests count there, those with
    /// wrong keys included. This request is then refused, and says nothing of its key. Those that come at the same moment pass together:
    /// they share a statement.
    /// </summary>
    public bool MayLookUpKey(HttpContext context)
    {
        if (Limiter.GetStatistics(context) is { CurrentAvailablePermits: < 1 })
        {
            context.Features.Set(new RefusedLookUp());
            return false;
        }

        return true;
    }

    /// <summary>Whether <see cref="MayLookUpKey"/> has refused the request.</summary>
    public static bool HasRefused(HttpContext context) => context.Features.Get<RefusedLookUp>() is not null;

    /// <summary>Answers 429.</summary>
    public void Refuse(HttpContext context)
    {
        Describe(context);
        context.Response.StatusCode = StatusCodes.Status429TooManyRequests;
        context.Response.Headers.RetryAfter = "1";
    }

    /// <summary>
    /// Says in the answer's headers how much there is and what is left of it, as draft-ietf-httpapi-ratelimit-headers-10 has it.
    /// </summary>
    public void Describe(HttpContext context)
    {
        if (KeyOf(context) != _unlimited && Limiter.GetStatistics(context) is { } statistics)
        {
            context.Response.Headers["RateLimit-Policy"] = _policy;
            context.Response.Headers["RateLimit"] = $"\"requests\";r={Math.Min(statistics.CurrentAvailablePermits, _perSecond)};t=1";
        }
    }

    public void Dispose() => Limiter.Dispose();

    private static Guid KeyOf(HttpContext context) =>
        context.Features.Get<Caller>() is not { } caller ? KeyOfAddress(context)
        : caller.UserId ?? _unlimited;

    /// <summary>Of IPv6, the network: anyone who has one address has 2^64.</summary>
    internal static Guid KeyOfAddress(HttpContext context)
    {
        Span<byte> key = stackalloc byte[16];
        if (context.Connection.RemoteIpAddress is { } address)
        {
            address.MapToIPv6().TryWriteBytes(key, out _);
            if (address.AddressFamily == AddressFamily.InterNetworkV6 && !address.IsIPv4MappedToIPv6)
            {
                key[8..].Clear();
            }
        }

        // Never the key of those without limit.
        key[15] |= (byte)(key.ContainsAnyExcept((byte)0) ? 0 : 1);
        return new(key);
    }

    private sealed record RefusedLookUp;
}

/// <summary>A user has as many open tickets as one may have: the caller is told 429 and when to come back.</summary>
public sealed class UserLimitException : Exception
{
    public UserLimitException()
        : this("The user has as many open tickets as one may have.")
    {
    }

    public UserLimitException(string message)
        : base(message)
    {
    }

    public UserLimitException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

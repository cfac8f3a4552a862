using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace TicketApp.Api.Auth;

/// <summary>How much callers may ask for, from the section <c>Limits</c>.</summary>
public sealed class LimitOptions
{
    public const string SectionName = "Limits";

    /// <summary>
    /// Requests per second of one user, or of one address where no key or a wrong one is sent; this is also the size of a burst. Each
    /// replica counts separately; 0: no limit. Default: 100 in mode <c>keys</c>, else 0.
    /// </summary>
    [Range(0, 1_000_000)]
    public int RequestsPerSecond { get; set; }

    /// <summary>
    /// Maximum number of one user's open tickets, exact over all replicas. 0: no limit. Default: 10000 in mode <c>keys</c>, else 0.
    /// </summary>
    [Range(0, 10_000_000)]
    public int MaxOpenPerUser { get; set; }

    /// <summary>
    /// Maximum number of one user's tickets that are dispatched or running, over all models and replicas. Further tickets wait, and tickets
    /// of other users overtake them; 0: no limit. Default: 0.
    /// </summary>
    [Range(0, 1_000_000)]
    public int MaxConcurrentPerUser { get; set; }

    /// <summary>The largest body of a request, in bytes. Default 64 KiB.</summary>
    internal int MaxBodyBytes { get; set; } = 64 * 1024;

    /// <summary>
    /// Estimated memory, in bytes, that large requests and answers use at once on one replica. Above it, they get 503 with
    /// <c>Retry-After</c> and nothing is stored. Default: 134217728.
    /// </summary>
    [Range(1024 * 1024, 1024L * 1024 * 1024 * 1024)]
    public long MaxBytesInFlight { get; set; } = 128 * 1024 * 1024;

    /// <summary>
    /// Maximum part of what one replica has that one user can take at once: of <c>Waiting:MaxWaiters</c>, of
    /// <c>Limits:MaxBytesInFlight</c> and of <c>Webhooks:MaxConcurrency</c>. 1: one user can take all. Default: 0.25 in mode <c>keys</c>,
    /// else 1.
    /// </summary>
    [Range(0.001, 1)]
    public double MaxUserShare { get; set; } = 1;

    /// <summary>
    /// Users per minute that one address creates in open sign-up (<c>Auth:SignUp=anyone</c> in mode <c>keys</c>). Each replica counts
    /// separately; 0: no limit. Default: 10.
    /// </summary>
    [Range(0, 1_000_000)]
    public int SignUpsPerMinutePerAddress { get; set; } = 10;

    /// <summary>
    /// Users per minute that all addresses together create in open sign-up. Each replica counts separately; 0: no limit. Default: 60.
    /// </summary>
    [Range(0, 1_000_000)]
    public int SignUpsPerMinute { get; set; } = 60;

    /// <summary>What one user can take at once of something of which a replica has <paramref name="total"/>.</summary>
    internal long ShareOf(long total) => Math.Max(1, (long)(total * MaxUserShare));

    /// <summary>What holds where each call carries a key.</summary>
    internal void LimitUsers()
    {
        MaxUserShare = 0.25;
        RequestsPerSecond = 100;
        MaxOpenPerUser = 10_000;
    }
}

[OptionsValidator]
internal sealed partial class LimitOptionsValidator : IValidateOptions<LimitOptions>;

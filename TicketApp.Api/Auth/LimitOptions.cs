using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace TicketApp.Api.Auth;

/// <summary>How much one caller may ask for, from the section <c>Limits</c>.</summary>
public sealed class LimitOptions
{
    public const string SectionName = "Limits";

    /// <summary>
    /// Requests a second of one user, or, without keys, of one address; as many may come at once. Above it they get 429. Each replica
    /// counts its own. Zero: no limit. Default 100 in mode <c>keys</c>, else no limit.
    /// </summary>
    [Range(0, 1_000_000)]
    public int RequestsPerSecond { get; set; }

    /// <summary>Open tickets of one user, over all replicas; above it new ones get 429. Zero: no limit. Default 10,000 in mode <c>keys</c>, else no limit.</summary>
    [Range(0, 10_000_000)]
    public int MaxOpenPerUser { get; set; }

    /// <summary>
    /// Tickets of one user that are dispatched or run at once, over all models and replicas; more wait in the backlog, and others' pass them. Every
    /// ticket then goes through the backlog, and replicas dispatch one after the other. Zero: no limit. Default no limit.
    /// </summary>
    [Range(0, 1_000_000)]
    public int MaxConcurrentPerUser { get; set; }

    /// <summary>The largest body of a request, in bytes. Default 64 KiB.</summary>
    internal int MaxBodyBytes { get; set; } = 64 * 1024;

    /// <summary>
    /// The memory, in bytes, that large requests and answers take at once on one replica, as estimated: batches of tickets, pages of lists, and tickets with
    /// a large input or response. Above it they get 503 with <c>Retry-After</c>, before anything is stored. Default 128 MiB, for a memory limit of 512 MiB.
    /// </summary>
    [Range(1024 * 1024, 1024L * 1024 * 1024 * 1024)]
    public long MaxBytesInFlight { get; set; } = 128 * 1024 * 1024;

    /// <summary>What holds where each call carries a key.</summary>
    internal void LimitUsers()
    {
        RequestsPerSecond = 100;
        MaxOpenPerUser = 10_000;
    }
}

[OptionsValidator]
internal sealed partial class LimitOptionsValidator : IValidateOptions<LimitOptions>;

using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using TicketApp.Messaging;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Dispatch;

/// <summary>Limits of a ticket, from the section <c>Tickets</c>.</summary>
public sealed class TicketOptions
{
    public const string SectionName = "Tickets";

    /// <summary>
    /// Time from creation to finish. A ticket that exceeds it ends as <c>timed_out</c>, or as <c>expired</c> if it never started. Default:
    /// 00:05:00.
    /// </summary>
    [TimeSpanRange("00:00:00.010", "30.00:00:00")]
    public TimeSpan Deadline { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Time from creation to start. A ticket that has not started by then ends as <c>expired</c>; not set: only the deadline applies.
    /// Default: not set.
    /// </summary>
    [TimeSpanRange("00:00:00.010", "30.00:00:00")]
    public TimeSpan? QueueTtl { get; set; }

    /// <summary>Maximum number of attempts of a ticket. Attempts of lost workers count. Default: 3.</summary>
    [Range(1, 100)]
    public int MaxAttempts { get; set; } = 3;

    /// <summary>
    /// Pause before the second attempt after a failure. The pause doubles with each further attempt, and jitter shortens it by up to half.
    /// Default: 00:00:02.
    /// </summary>
    [TimeSpanRange("00:00:00", "1.00:00:00")]
    public TimeSpan RetryPause { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Maximum pause between two attempts. Default: 00:01:00.</summary>
    [TimeSpanRange("00:00:00", "1.00:00:00")]
    public TimeSpan MaxRetryPause { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Model of a ticket that names no model. Default: simulated.</summary>
    [Required]
    public string DefaultModel { get; set; } = ModelNames.Simulated;

    /// <summary>Approximate maximum number of open tickets. Above it, new tickets get 503. Default: 1000000.</summary>
    [Range(1, int.MaxValue)]
    public int MaxOpen { get; set; } = 1_000_000;

    /// <summary>Maximum queue TTL, execution timeout or deadline that a caller can request for a ticket. Default: 1.00:00:00.</summary>
    [TimeSpanRange("00:00:01", "30.00:00:00")]
    public TimeSpan MaxDeadline { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Maximum size of a ticket's input, in bytes of UTF-8. Default: 32768.</summary>
    [Range(1, 1024 * 1024)]
    public int MaxInputBytes { get; set; } = 32 * 1024;

    /// <summary>The most tickets in a page of a list. Default 100.</summary>
    internal int MaxPage { get; set; } = 100;

    /// <summary>The most tickets in a batch. Default 1,000.</summary>
    internal int MaxBatch { get; set; } = 1000;

    /// <summary>The largest body of a batch, in bytes. Default 4 MiB.</summary>
    internal int MaxBatchBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>Minimum time for which an idempotency key is remembered. Default: 1.00:00:00.</summary>
    [TimeSpanRange("00:01:00", "30.00:00:00")]
    public TimeSpan IdempotencyKeyLifetime { get; set; } = TimeSpan.FromDays(1);
}

[OptionsValidator]
internal sealed partial class TicketOptionsValidator : IValidateOptions<TicketOptions>;

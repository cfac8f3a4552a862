using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using TicketApp.Messaging;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Dispatch;

/// <summary>Limits of a ticket, from the section <c>Tickets</c>.</summary>
public sealed class TicketOptions
{
    public const string SectionName = "Tickets";

    /// <summary>From creation to finish; a ticket over it ends as timed out. Default 5 minutes.</summary>
    [TimeSpanRange("00:00:00.010", "30.00:00:00")]
    public TimeSpan Deadline { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>From creation to start; a ticket that nobody started by then ends as expired. Not set: only the processing limit counts. Default not set.</summary>
    [TimeSpanRange("00:00:00.010", "30.00:00:00")]
    public TimeSpan? QueueTtl { get; set; }

    /// <summary>How many attempts a ticket has, lost workers included. Default 3.</summary>
    [Range(1, 100)]
    public int MaxAttempts { get; set; } = 3;

    /// <summary>Pause before the second attempt after a failure; doubles with each further one, with jitter of half. Default 2 seconds.</summary>
    [TimeSpanRange("00:00:00", "1.00:00:00")]
    public TimeSpan RetryPause { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The longest such pause. Default 1 minute.</summary>
    [TimeSpanRange("00:00:00", "1.00:00:00")]
    public TimeSpan MaxRetryPause { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The model of a ticket that names none. Default <c>simulated</c>, the original's ML step.</summary>
    [Required]
    public string DefaultModel { get; set; } = ModelNames.Simulated;

    /// <summary>About how many tickets may be open at once; above it new ones get 503. Default 1,000,000.</summary>
    [Range(1, int.MaxValue)]
    public int MaxOpen { get; set; } = 1_000_000;

    /// <summary>The most that a caller of the resource API may ask for as a ticket's queue time, run time or deadline. Default 1 day.</summary>
    [TimeSpanRange("00:00:01", "30.00:00:00")]
    public TimeSpan MaxDeadline { get; set; } = TimeSpan.FromDays(1);

    /// <summary>The largest input of a ticket, in bytes of UTF-8. Default 32 KiB.</summary>
    [Range(1, 1024 * 1024)]
    public int MaxInputBytes { get; set; } = 32 * 1024;

    /// <summary>The most tickets in a page of a list. Default 100.</summary>
    internal int MaxPage { get; set; } = 100;

    /// <summary>The most tickets in a batch. Default 1,000.</summary>
    internal int MaxBatch { get; set; } = 1000;

    /// <summary>The largest body of a batch, in bytes. Default 4 MiB.</summary>
    internal int MaxBatchBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>How long an idempotency key is remembered, at least. Default 1 day.</summary>
    [TimeSpanRange("00:01:00", "30.00:00:00")]
    public TimeSpan IdempotencyKeyLifetime { get; set; } = TimeSpan.FromDays(1);
}

[OptionsValidator]
internal sealed partial class TicketOptionsValidator : IValidateOptions<TicketOptions>;

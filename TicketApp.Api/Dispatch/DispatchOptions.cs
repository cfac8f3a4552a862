using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Dispatch;

/// <summary>How tickets are handed to the broker, from the section <c>Dispatch</c>.</summary>
public sealed class DispatchOptions
{
    public const string SectionName = "Dispatch";

    /// <summary>The least of one model's tickets that is dispatched at once, also while no worker serves it. Default 64.</summary>
    internal int MinWindow { get; set; } = 64;

    /// <summary>
    /// Maximum number of one model's tickets that are dispatched at once. The window is two tickets for each worker slot, at least 64.
    /// Default: 20000.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MaxWindow { get; set; } = 20_000;

    /// <summary>
    /// Dispatched tickets for each slot of the workers that serve their model: one runs, the rest is at hand when it ends. Default 2.
    /// </summary>
    internal double WindowPerSlot { get; set; } = 2;

    /// <summary>
    /// How long a dispatch, a start or a heartbeat keeps a ticket leased. At least 20 s: workers send a heartbeat every 10 s, and a broker
    /// that hangs is noticed after 8. Default: 00:00:30.
    /// </summary>
    [TimeSpanRange("00:00:20", "01:00:00")]
    public TimeSpan LeaseDuration { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often the window and the backlog are looked at when nothing else causes it. Default 250 ms.</summary>
    internal TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How often ended leases and passed deadlines are looked for. Default 500 ms.</summary>
    internal TimeSpan RescueInterval { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// The message leaves the queue undelivered before its lease ends, so that it never waits there beside its own repetition.
    /// </summary>
    internal TimeSpan MessageExpiration => LeaseDuration - TimeSpan.FromSeconds(5);
}

[OptionsValidator]
internal sealed partial class DispatchOptionsValidator : IValidateOptions<DispatchOptions>;

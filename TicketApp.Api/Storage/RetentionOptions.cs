using Microsoft.Extensions.Options;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Storage;

/// <summary>How long finished tickets are kept, from the section <c>Retention</c>.</summary>
public sealed class RetentionOptions
{
    public const string SectionName = "Retention";

    /// <summary>
    /// Time from a ticket's end until the ticket and all its data are deleted. 0: tickets are kept for ever. Default: 7.00:00:00.
    /// </summary>
    [TimeSpanRange("00:00:00", "3650.00:00:00")]
    public TimeSpan FinishedFor { get; set; } = TimeSpan.FromDays(7);

    /// <summary>
    /// Time from an open sign-up until the user is deleted if the key was never used. Users that an administrator created stay. 0: they are
    /// kept for ever. Default: 7.00:00:00.
    /// </summary>
    [TimeSpanRange("00:00:00", "3650.00:00:00")]
    public TimeSpan UnusedUsersFor { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How often a replica looks for tickets to remove, while there are none. Default 1 minute.</summary>
    internal TimeSpan PollInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>The interval of the loop that removes what was kept for <paramref name="keptFor"/>: infinite if that is for ever.</summary>
    internal TimeSpan IntervalFor(TimeSpan keptFor) => keptFor == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : PollInterval;

    /// <summary>When a ticket that ended at <paramref name="finished"/> is removed; null if never, or if it has not ended.</summary>
    internal DateTime? PurgeAt(DateTime? finished) => FinishedFor == TimeSpan.Zero ? null : finished + FinishedFor;
}

[OptionsValidator]
internal sealed partial class RetentionOptionsValidator : IValidateOptions<RetentionOptions>;

using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace TicketApp.Api.Waiting;

/// <summary>How callers wait for tickets, from the section <c>Waiting</c>.</summary>
public sealed class WaitingOptions
{
    public const string SectionName = "Waiting";

    /// <summary>
    /// Maximum number of requests on each replica that wait for a ticket or listen to its events. Above it, listeners, <c>GET</c>
    /// requests and those of clients of other APIs get 503, and other <c>POST</c> requests do not wait. Default: 10000.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MaxWaiters { get; set; } = 10_000;

    /// <summary>
    /// How often the database is asked, in one statement, whether any ticket that is waited for has changed, while another replica does not
    /// tell what it changes; and how soon those that are newly waited for are asked for once. What this replica changes itself is looked up
    /// at once. Default 150 ms.
    /// </summary>
    internal TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(150);

    /// <summary>The same while all other replicas tell what they change. Default 5 seconds.</summary>
    internal TimeSpan ToldPollInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often a listener's place in the queue is looked at, and whether its key is still good. Default 5 seconds.</summary>
    internal TimeSpan ProgressInterval { get; set; } = TimeSpan.FromSeconds(5);
}

[OptionsValidator]
internal sealed partial class WaitingOptionsValidator : IValidateOptions<WaitingOptions>;

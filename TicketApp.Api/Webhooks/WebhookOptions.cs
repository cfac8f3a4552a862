using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Webhooks;

/// <summary>How webhooks are sent, from the section <c>Webhooks</c>.</summary>
public sealed class WebhookOptions : IValidatableObject
{
    public const string SectionName = "Webhooks";

    private const int MinSecretKey = 32;
    private static readonly TimeSpan _maxPause = TimeSpan.FromDays(7);

    // The example of the specification: ten attempts within 75.6 hours.
    private static readonly TimeSpan[] _defaultRetries =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2), TimeSpan.FromHours(5),
        TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ];

    /// <summary>Whether http is good enough. Not encrypted: anyone who is on the way can read tickets. Default false: https only.</summary>
    public bool AllowHttp { get; set; }

    /// <summary>Whether addresses that are not of the public Internet may be connected to, such as loopback. For development and tests. Default false.</summary>
    public bool AllowPrivateAddresses { get; set; }

    /// <summary>
    /// Seals users' signing secrets in the database: at least 32 random characters, the same for all replicas. Not set: they are stored as they are.
    /// Secrets from before it was set stay readable; if it is changed, sealed ones are not, and their users need new ones. Default not set.
    /// </summary>
    public string? SecretKey { get; set; }

    /// <summary>How long a secret still signs beside its successor. Default 24 hours.</summary>
    internal TimeSpan SecretOverlap { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How many attempts one replica has in progress at once. Default 64.</summary>
    [Range(1, 10_000)]
    public int MaxConcurrency { get; set; } = 64;

    /// <summary>How many of them to one host. Default 8.</summary>
    [Range(1, 10_000)]
    public int MaxConcurrencyPerHost { get; set; } = 8;

    /// <summary>How long a connection may take. Default 5 seconds.</summary>
    internal TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long an attempt may take, connecting included, until the receiver's status is there. Default 15 seconds.</summary>
    [TimeSpanRange("00:00:00.100", "00:02:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// The pauses before each further attempt, up to 50 of at most 7 days, made up to a tenth shorter or longer by chance. Default 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
    /// </summary>
    /// <remarks>Not initialised: the binder would add to what is there.</remarks>
    public IReadOnlyList<TimeSpan>? Retries { get; set; }

    /// <summary>How often deliveries that are due are looked for. Default 500 ms.</summary>
    internal TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long ended deliveries are kept, unless their ticket goes first. Default 30 days.</summary>
    internal TimeSpan Retention { get; set; } = TimeSpan.FromDays(30);

    internal IReadOnlyList<TimeSpan> Schedule => Retries ?? _defaultRetries;

    /// <summary>After it an attempt counts as lost, and any replica may make the next one.</summary>
    internal TimeSpan Lease => Timeout + TimeSpan.FromSeconds(15);

    IEnumerable<ValidationResult> IValidatableObject.Validate(ValidationContext validationContext)
    {
        if (Retries is { Count: > 50 } || Retries?.Any(pause => pause < TimeSpan.Zero || pause > _maxPause) is true)
        {
            yield return new ValidationResult("Webhooks:Retries has at most 50 pauses, each from 0 to 7 days.", [nameof(Retries)]);
        }

        if (SecretKey is { Length: < MinSecretKey })
        {
            yield return new ValidationResult("Webhooks:SecretKey has at least 32 characters.", [nameof(SecretKey)]);
        }
    }
}

[OptionsValidator]
internal sealed partial class WebhookOptionsValidator : IValidateOptions<WebhookOptions>;

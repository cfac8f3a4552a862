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

    /// <summary>Whether webhooks can go to <c>http</c> URLs. Anyone on the network path can read them. Default: false.</summary>
    public bool AllowHttp { get; set; }

    /// <summary>
    /// Whether webhooks can go to addresses outside the public Internet, such as loopback. For development and tests only. Default: false.
    /// </summary>
    public bool AllowPrivateAddresses { get; set; }

    /// <summary>
    /// Encrypts users' signing secrets in the database: at least 32 random characters, the same on all replicas. Not set: secrets are
    /// stored in plain text. Default: not set.
    /// </summary>
    public string? SecretKey { get; set; }

    /// <summary>How long a secret still signs beside its successor. Default 24 hours.</summary>
    internal TimeSpan SecretOverlap { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Maximum number of delivery attempts that one replica makes at once. Default: 64.</summary>
    [Range(1, 10_000)]
    public int MaxConcurrency { get; set; } = 64;

    /// <summary>Maximum number of delivery attempts that one replica makes at once to one host and port. Default: 8.</summary>
    [Range(1, 10_000)]
    public int MaxConcurrencyPerHost { get; set; } = 8;

    /// <summary>How long a connection may take. Default 5 seconds.</summary>
    internal TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Maximum time of an attempt, from connecting until the receiver's status arrives. Connecting takes at most 5 s of it. Default:
    /// 00:00:15.
    /// </summary>
    [TimeSpanRange("00:00:00.100", "00:02:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Pauses before each further attempt. At most 50 pauses of at most 7 days, each varied by up to a tenth. Default: 5 s, 5 min, 30 min,
    /// 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
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

/// <summary>When to try again.</summary>
internal sealed class RetrySchedule(IOptions<WebhookOptions> options)
{
    private static readonly TimeSpan _maxRetryAfter = TimeSpan.FromHours(24);

    /// <summary>The pause after a failed try; null if it was the last.</summary>
    /// <param name="tries">How many there were, from 1.</param>
    /// <param name="retryAfter">What the receiver asked for: kept to, up to a day, where it is longer.</param>
    /// <param name="chance">From 0 to 1: what spreads deliveries that failed together over a fifth of the pause.</param>
    public TimeSpan? PauseAfter(int tries, TimeSpan? retryAfter, double chance)
    {
        if (tries > options.Value.Schedule.Count)
        {
            return null;
        }

        var pause = options.Value.Schedule[tries - 1] * (0.9 + chance / 5);
        var asked = retryAfter > _maxRetryAfter ? _maxRetryAfter : retryAfter;
        return asked > pause ? asked : pause;
    }
}

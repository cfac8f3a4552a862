using Microsoft.Extensions.Options;

namespace TicketApp.Api.Webhooks;

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

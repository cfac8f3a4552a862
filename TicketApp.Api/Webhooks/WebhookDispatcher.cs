using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Webhooks;

/// <summary>
/// Delivers what is due. Every replica does, with a bounded number of attempts at once, in all, for each user and for each host, so that
/// receivers that hang hold up only their own. A replica that dies leaves its attempts to the end of their leases.
/// </summary>
internal sealed partial class WebhookDispatcher(
    DeliveryStore store,
    WebhookSender sender,
    RetrySchedule schedule,
    TicketMetrics metrics,
    DatabaseMigrator migrator,
    LoopProgress progress,
    IOptions<WebhookOptions> options,
    IOptions<LimitOptions> limits,
    ILogger<WebhookDispatcher> logger) : DatabaseLoop("delivery of webhooks", migrator, progress, logger)
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan _drainTimeout = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Guid, (Delivery Delivery, Task Attempt)> _inProgress = [];
    private readonly CancellationTokenSource _abandoned = new();
    private bool _hasClaimed;
    private readonly ClaimWalk _walk = new();

    public override void Dispose()
    {
        _abandoned.Dispose();
        base.Dispose();
    }

    protected override TimeSpan PollInterval => options.Value.PollInterval;

    protected override async Task WorkAsync(CancellationToken stoppingToken)
    {
        if (Available <= 0)
        {
            return;
        }

        var limit = Available;
        (Guid UserId, string Host)[] busy =
            [.. _inProgress.Values.Select(attempt => (attempt.Delivery.Ticket.UserId, attempt.Delivery.Host))];
        var maxPerUser = (int)limits.Value.ShareOf(options.Value.MaxConcurrency);
        var claim = await store.ClaimAsync(_walk.AfterUser, _walk.AfterHosts, limit, maxPerUser, busy, stoppingToken);
        _walk.Advance(claim, isFull: claim.Deliveries.Count == limit);
        _hasClaimed = claim.Deliveries.Count > 0;
        foreach (var delivery in claim.Deliveries)
        {
            var begun = (delivery, Task.CompletedTask);
            _inProgress[delivery.Id] = begun;
            // Not if it has ended by now: nobody would take it out again.
            _inProgress.TryUpdate(delivery.Id, (delivery, AttemptAsync(delivery)), begun);
        }
    }

    protected override Task WaitAsync(CancellationToken stoppingToken) =>
        _walk.HasEnded || Available <= 0 ? base.WaitAsync(stoppingToken)
        : _hasClaimed ? Task.CompletedTask
        // Thousands of hosts of which nothing is due are no reason to ask without a pause.
        : Task.Delay(_pause, stoppingToken);

    /// <summary>What is in progress has a moment to end; what has not ended by then is another replica's.</summary>
    protected override Task OnStoppedAsync()
    {
        _abandoned.CancelAfter(_drainTimeout);
        return Task.WhenAll(_inProgress.Values.Select(delivery => delivery.Attempt));
    }

    private int Available => options.Value.MaxConcurrency - _inProgress.Count;

    private async Task AttemptAsync(Delivery delivery)
    {
        await Task.Yield();
        try
        {
            var result = await sender.SendAsync(delivery, _abandoned.Token);
            var pause = result.IsSuccess || result.IsGone || delivery.EndpointIsOff
                ? null
                : schedule.PauseAfter(delivery.Try, result.RetryAfter, Random.Shared.NextDouble());
            if (result.IsGone)
            {
                await store.SwitchOffAsync(delivery.Ticket.UserId, delivery.Url, CancellationToken.None);
            }

            await store.CompleteAsync(delivery, result, pause, CancellationToken.None);
            Tell(delivery, result, pause);
        }
        catch (Exception exception)
        {
            // Its lease ends, and it is tried again.
            Log.Abandoned(logger, delivery.Id, delivery.Ticket.TicketId, exception.GetBaseException().Message);
        }
        finally
        {
            _inProgress.TryRemove(delivery.Id, out _);
            Wake();
        }
    }

    private void Tell(Delivery delivery, AttemptResult result, TimeSpan? pause)
    {
        var milliseconds = (int)result.Duration.TotalMilliseconds;
        metrics.WebhookTried(result.IsSuccess ? "delivered" : pause is null ? "dead" : "failed");
        if (result.IsSuccess)
        {
            Log.Delivered(logger, delivery.Id, delivery.Ticket.TicketId, delivery.Host, delivery.Attempt, result.StatusCode, milliseconds);
        }
        else if (pause is { } wait)
        {
            Log.Failed(
                logger, delivery.Id, delivery.Ticket.TicketId, delivery.Host, delivery.Attempt,
                result.StatusCode, result.Error, milliseconds, (int)wait.TotalSeconds);
        }
        else
        {
            Log.Dead(logger, delivery.Id, delivery.Ticket.TicketId, delivery.Host, delivery.Attempt, result.StatusCode, result.Error);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Debug,
            Message = "Webhook {Delivery} of ticket {TicketId} was delivered to {Host}: "
                + "attempt {Attempt}, status {Status}, {Milliseconds} ms")]
        public static partial void Delivered(
            ILogger logger, Guid delivery, Guid ticketId, string host, int attempt, int? status, int milliseconds);

        [LoggerMessage(EventId = 2, Level = LogLevel.Information,
            Message = "Webhook {Delivery} of ticket {TicketId} failed at {Host}: attempt {Attempt}, status {Status}, {Error}, "
                + "{Milliseconds} ms; the next one in {Pause} s")]
        public static partial void Failed(
            ILogger logger, Guid delivery, Guid ticketId, string host,
            int attempt, int? status, string? error, int milliseconds, int pause);

        [LoggerMessage(EventId = 3, Level = LogLevel.Warning,
            Message = "Webhook {Delivery} of ticket {TicketId} to {Host} is dead: attempt {Attempt}, status {Status}, {Error}")]
        public static partial void Dead(ILogger logger, Guid delivery, Guid ticketId, string host, int attempt, int? status, string? error);

        [LoggerMessage(EventId = 4, Level = LogLevel.Warning,
            Message = "Webhook {Delivery} of ticket {TicketId} is tried again when its lease ends: {Reason}")]
        public static partial void Abandoned(ILogger logger, Guid delivery, Guid ticketId, string reason);
    }
}

/// <summary>How far a replica has got on its way from user to user, and from host to host of each.</summary>
internal sealed class ClaimWalk
{
    private Dictionary<Guid, Stop> _before = [];
    private Dictionary<Guid, Stop> _stops = [];
    private bool _isUnfinished;

    /// <summary>The last user that was looked at on this round.</summary>
    public Guid AfterUser { get; private set; }

    /// <summary>Where the round before stopped with users of whom it did not look at all hosts.</summary>
    public IReadOnlyDictionary<Guid, string> AfterHosts => _before.ToDictionary(stop => stop.Key, stop => stop.Value.Host);

    /// <summary>Whether nothing was left out: what comes next can wait.</summary>
    public bool HasEnded { get; private set; } = true;

    /// <summary>Notes what was looked at.</summary>
    /// <param name="claim">What was claimed.</param>
    /// <param name="isFull">Whether there was no place for more.</param>
    public void Advance(Claim claim, bool isFull)
    {
        var hosts = claim.Deliveries.ToLookup(delivery => delivery.Ticket.UserId, delivery => delivery.Host);
        // Of each user one was taken before a second of anyone: those after the last who got one were not reached.
        var last = isFull ? claim.Users.Last(user => hosts.Contains(user.UserId)).UserId : (Guid?)null;
        foreach (var user in claim.Users)
        {
            var taken = hosts[user.UserId].Count();
            var isAtLimit = taken > 0 && (isFull || taken == user.Available);
            var host = isAtLimit ? hosts[user.UserId].Max(StringComparer.Ordinal) : user.LastHost;
            if (host is not null && (host != user.LastHost || user.HasMore))
            {
                _stops[user.UserId] = new(host, isAtLimit);
                _isUnfinished |= !isAtLimit;
            }
            else if (_before.TryGetValue(user.UserId, out var stop) && user.Available == 0)
            {
                _stops[user.UserId] = stop;
            }
            else if (stop.IsAtLimit && !isAtLimit)
            {
                // There is room now for what comes before the host that it was stopped at.
                _isUnfinished = true;
            }

            AfterUser = user.UserId;
            if (user.UserId == last)
            {
                break;
            }
        }

        var hasMore = claim.HasMore || last is not null && last != claim.Users[^1].UserId;
        HasEnded = !hasMore && !_isUnfinished;
        if (!hasMore)
        {
            (_before, _stops, _isUnfinished, AfterUser) = (_stops, [], false, Guid.Empty);
        }
    }

    private readonly record struct Stop(string Host, bool IsAtLimit);
}

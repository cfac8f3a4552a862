using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Webhooks;

/// <summary>
/// Delivers what is due. Every replica does, with a bounded number of attempts at once, in all and for each host, so that receivers
/// that hang hold up only their own. A replica that dies leaves its attempts to the end of their leases.
/// </summary>
internal sealed partial class WebhookDispatcher(
    DeliveryStore store,
    WebhookSender sender,
    RetrySchedule schedule,
    TicketMetrics metrics,
    DatabaseMigrator migrator,
    LoopProgress progress,
    IOptions<WebhookOptions> options,
    ILogger<WebhookDispatcher> logger) : DatabaseLoop("delivery of webhooks", migrator, progress, logger)
{
    private static readonly TimeSpan _drainTimeout = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Guid, (string Host, Task Attempt)> _inProgress = [];
    private readonly CancellationTokenSource _abandoned = new();
    private readonly Signal _wake = new();
    private string _lastHost = "";

    public override void Dispose()
    {
        _abandoned.Dispose();
        _wake.Dispose();
        base.Dispose();
    }

    protected override async Task WorkAsync(CancellationToken stoppingToken)
    {
        if (Available <= 0)
        {
            return;
        }

        var claim = await store.ClaimAsync(_lastHost, Available, Busy(), stoppingToken);
        _lastHost = claim.LastHost;
        foreach (var delivery in claim.Deliveries)
        {
            var begun = (delivery.Host, Task.CompletedTask);
            _inProgress[delivery.Id] = begun;
            // Not if it has ended by now: nobody would take it out again.
            _inProgress.TryUpdate(delivery.Id, (delivery.Host, AttemptAsync(delivery)), begun);
        }
    }

    protected override Task WaitAsync(CancellationToken stoppingToken) =>
        _lastHost.Length == 0 || Available <= 0 ? _wake.WaitAsync(options.Value.PollInterval, stoppingToken) : Task.CompletedTask;

    /// <summary>What is in progress has a moment to end; what has not ended by then is another replica's.</summary>
    protected override Task OnStoppedAsync()
    {
        _abandoned.CancelAfter(_drainTimeout);
        return Task.WhenAll(_inProgress.Values.Select(delivery => delivery.Attempt));
    }

    private int Available => options.Value.MaxConcurrency - _inProgress.Count;

    private Dictionary<string, int> Busy() => _inProgress.Values.CountBy(delivery => delivery.Host).ToDictionary();

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
            _wake.Set();
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

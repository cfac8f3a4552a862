using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using TicketApp.Api.Database;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Telemetry;

namespace TicketApp.Api.Webhooks;

/// <summary>
/// Delivers what is due. Every replica does, with a bounded number of attempts at once, in all and for each host, so that receivers
/// that hang hold up only their own. A replica that dies leaves its attempts to the end of their leases.
/// </summary>
internal sealed partial class WebhookDispatcher(
    DeliveryStore store, WebhookSender sender, RetrySchedule schedule, TicketMetrics metrics, DatabaseMigrator migrator, IOptions<WebhookOptions> options, ILogger<WebhookDispatcher> logger)
    : BackgroundService
{
    private static readonly TimeSpan _purgeInterval = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan _drainTimeout = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Guid, (string Host, Task Attempt)> _underWay = [];
    private readonly Signal _wake = new();

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await migrator.Ready.WaitAsync(stoppingToken);
        // What is under way when the process is told to stop has a moment to end; what has not ended by then is another replica's.
        using CancellationTokenSource abandoned = new();
        var purge = PurgeAsync(stoppingToken);
        await ClaimAsync(abandoned.Token, stoppingToken);
        abandoned.CancelAfter(_drainTimeout);
        await Task.WhenAll([purge, .. _underWay.Values.Select(delivery => delivery.Attempt)]);
    }

    private async Task ClaimAsync(CancellationToken abandoned, CancellationToken stoppingToken)
    {
        var lastHost = "";
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var limit = options.Value.Concurrency - _underWay.Count;
                var claim = limit > 0 ? await store.ClaimAsync(lastHost, limit, Busy(), stoppingToken) : null;
                foreach (var delivery in claim?.Deliveries ?? [])
                {
                    _underWay[delivery.Id] = (delivery.Host, Task.CompletedTask);
                    _underWay[delivery.Id] = (delivery.Host, AttemptAsync(delivery, abandoned));
                }

                lastHost = claim?.LastHost ?? lastHost;
                if (lastHost.Length == 0 || limit <= 0)
                {
                    await _wake.WaitAsync(options.Value.Tick, stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                Log.Paused(logger, exception.GetBaseException().Message);
                await Task.Delay(options.Value.Tick, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private Dictionary<string, int> Busy() => _underWay.Values.CountBy(delivery => delivery.Host).ToDictionary();

    private async Task AttemptAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            var result = await sender.SendAsync(delivery, cancellationToken);
            var pause = result.IsSuccess || result.IsGone || delivery.EndpointIsOff ? null : schedule.PauseAfter(delivery.Try, result.RetryAfter, Random.Shared.NextDouble());
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
            _underWay.TryRemove(delivery.Id, out _);
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
            Log.Failed(logger, delivery.Id, delivery.Ticket.TicketId, delivery.Host, delivery.Attempt, result.StatusCode, result.Error, milliseconds, (int)wait.TotalSeconds);
        }
        else
        {
            Log.Dead(logger, delivery.Id, delivery.Ticket.TicketId, delivery.Host, delivery.Attempt, result.StatusCode, result.Error);
        }
    }

    private async Task PurgeAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(_purgeInterval);
        try
        {
            do
            {
                try
                {
                    await store.PurgeAsync(stoppingToken);
                }
                catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
                {
                    Log.Paused(logger, exception.GetBaseException().Message);
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process stops.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Debug, Message = "Webhook {Delivery} of ticket {TicketId} was delivered to {Host}: attempt {Attempt}, status {Status}, {Milliseconds} ms")]
        public static partial void Delivered(ILogger logger, Guid delivery, Guid ticketId, string host, int attempt, int? status, int milliseconds);

        [LoggerMessage(EventId = 2, Level = LogLevel.Information,
            Message = "Webhook {Delivery} of ticket {TicketId} failed at {Host}: attempt {Attempt}, status {Status}, {Error}, {Milliseconds} ms; the next one in {Pause} s")]
        public static partial void Failed(ILogger logger, Guid delivery, Guid ticketId, string host, int attempt, int? status, string? error, int milliseconds, int pause);

        [LoggerMessage(EventId = 3, Level = LogLevel.Warning, Message = "Webhook {Delivery} of ticket {TicketId} to {Host} is dead: attempt {Attempt}, status {Status}, {Error}")]
        public static partial void Dead(ILogger logger, Guid delivery, Guid ticketId, string host, int attempt, int? status, string? error);

        [LoggerMessage(EventId = 4, Level = LogLevel.Warning, Message = "Webhook {Delivery} of ticket {TicketId} is tried again when its lease ends: {Reason}")]
        public static partial void Abandoned(ILogger logger, Guid delivery, Guid ticketId, string reason);

        [LoggerMessage(EventId = 5, Level = LogLevel.Warning, Message = "Webhooks wait: {Reason}")]
        public static partial void Paused(ILogger logger, string reason);
    }
}

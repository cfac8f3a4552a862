using System.Diagnostics;
using Microsoft.Extensions.Options;
using TicketApp.Api.Telemetry;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.Messaging.Tracing;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Dispatch;

/// <summary>
/// Hands dispatched tickets to the broker. What the broker does not take is returned to the backlog at once, and few tickets of its model
/// are dispatched until the broker takes them again. If this process dies first, the ticket is returned when its lease ends.
/// </summary>
internal sealed partial class TicketPublisher(
    BrokerPublisher broker,
    DispatchStore store,
    DispatchWindows windows,
    RunTimes runTimes,
    TicketMetrics metrics,
    IOptions<DispatchOptions> options,
    ILogger<TicketPublisher> logger)
    : IHostedService, IStopsInPhase
{
    // Short runs share messages, so that the broker handles fewer; but a batch is spread over one for each worker.
    private const int MaxGroup = 16;

    // Of the inputs that share a message: each may be an escape of six bytes, and the broker takes 16 MiB.
    private const int MaxCharacters = 1_000_000;

    private int _inProgress;

    /// <summary>Whether the broker can be reached; while it cannot, nothing is dispatched.</summary>
    public bool IsReady => broker.IsReady;

    /// <summary>Publishes <paramref name="tickets"/> without keeping the caller waiting. Their dispatch is committed.</summary>
    public void Publish(IReadOnlyList<TicketMessage> tickets)
    {
        if (tickets.Count > 0)
        {
            _ = PublishAsync(tickets);
        }
    }

    public StopPhase StopPhase => StopPhase.Publishing;

    /// <summary>
    /// Tickets that a broker which hangs has not confirmed by then are returned when their leases end, uncharged, if it has not taken them.
    /// </summary>
    public TimeSpan StopLimit => TimeSpan.FromSeconds(5);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Waits for what is in progress.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        while (Volatile.Read(ref _inProgress) > 0 && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task PublishAsync(IReadOnlyList<TicketMessage> tickets)
    {
        Interlocked.Increment(ref _inProgress);
        try
        {
            // All go out before the first confirmation is waited for.
            var outcomes = await Task.WhenAll(tickets.GroupBy(ticket => ticket.Model).SelectMany(Messages).Select(TryPublishAsync));
            TicketMessage[] refused = [.. outcomes.SelectMany(outcome => outcome.Refused)];
            foreach (var model in tickets.Select(ticket => ticket.Model).Distinct())
            {
                if (Array.Exists(refused, ticket => ticket.Model == model))
                {
                    windows.Of(model).Refused();
                }
                else
                {
                    windows.Of(model).Accepted();
                }
            }

            if (refused.Length > 0)
            {
                Log.Refused(logger, refused.Length, Array.Find(outcomes, outcome => outcome.Reason is not null).Reason!);
                await store.ReturnAsync(refused, CancellationToken.None);
                foreach (var (model, count) in refused.CountBy(ticket => ticket.Model))
                {
                    windows.Of(model).Ended(count);
                    windows.Of(model).SetBacklog(true);
                }
            }
        }
        catch (Exception exception)
        {
            Log.NotReturned(logger, exception.GetBaseException().Message);
        }
        finally
        {
            Interlocked.Decrement(ref _inProgress);
        }
    }

    private IEnumerable<TicketMessage[]> Messages(IGrouping<string, TicketMessage> tickets)
    {
        TicketMessage[] all = [.. tickets];
        var most = runTimes.Of(tickets.Key).AreShort
            ? Math.Clamp(all.Length / Math.Max(1, windows.Of(tickets.Key).Workers), 1, MaxGroup)
            : 1;
        List<TicketMessage> group = new(most);
        var characters = 0;
        foreach (var ticket in all)
        {
            var length = ticket.Input?.Text.Length ?? 0;
            if (group.Count > 0 && (group.Count == most || characters + length > MaxCharacters))
            {
                yield return [.. group];
                group.Clear();
                characters = 0;
            }

            group.Add(ticket);
            characters += length;
        }

        yield return [.. group];
    }

    /// <summary>Publishes one message.</summary>
    /// <returns>What the broker did not take, and why.</returns>
    private async Task<(TicketMessage[] Refused, string? Reason)> TryPublishAsync(TicketMessage[] group)
    {
        var started = Stopwatch.GetTimestamp();
        using var span = TicketTrace.StartShared("dispatch tickets", group.Select(ticket => ticket.TraceParent));
        try
        {
            var body = group is [var only]
                ? ContractJson.Serialize(only, ContractJson.Default.TicketMessage)
                : ContractJson.Serialize(group, ContractJson.Default.IReadOnlyListTicketMessage);
            await broker.PublishAsync(
                QueueNames.TicketsOf(group[0].Model), body, group[0].TicketId.ToString(), options.Value.MessageExpiration);
            metrics.Dispatched(Stopwatch.GetElapsedTime(started));
            return ([], null);
        }
        catch (BrokerUnavailableException exception)
        {
            return (group, exception.GetBaseException().Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning,
            Message = "The broker did not take {Count} dispatched tickets, which return to the backlog: {Reason}")]
        public static partial void Refused(ILogger logger, int count, string reason);

        [LoggerMessage(EventId = 2, Level = LogLevel.Warning,
            Message = "Tickets that the broker did not take wait for their leases to end: {Reason}")]
        public static partial void NotReturned(ILogger logger, string reason);
    }
}

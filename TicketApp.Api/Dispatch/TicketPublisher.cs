using System.Text.Json;
using Microsoft.Extensions.Options;
using TicketApp.Contracts;
using TicketApp.Contracts.Broker;

namespace TicketApp.Api.Dispatch;

/// <summary>
/// Hands released tickets to the broker. What the broker does not take goes back to the backlog at once; and if this process dies
/// first, when the lease ends.
/// </summary>
internal sealed partial class TicketPublisher(
    BrokerPublisher broker, DispatchStore store, DispatchWindow window, IOptions<DispatchOptions> options, ILogger<TicketPublisher> logger) : IHostedService
{
    private int _underWay;

    /// <summary>Whether the broker can be reached; while it cannot, nothing is released.</summary>
    public bool IsReady => broker.IsReady;

    /// <summary>Publishes <paramref name="tickets"/> without keeping the caller waiting. Their release is committed.</summary>
    public void Publish(IReadOnlyList<TicketMessage> tickets)
    {
        if (tickets.Count > 0)
        {
            _ = PublishAsync(tickets);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Waits for what is under way.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        while (Volatile.Read(ref _underWay) > 0 && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task PublishAsync(IReadOnlyList<TicketMessage> tickets)
    {
        Interlocked.Increment(ref _underWay);
        try
        {
            // All go out before the first confirmation is waited for.
            var taken = await Task.WhenAll(tickets.Select(TryPublishAsync));
            TicketMessage[] refused = [.. tickets.Where((_, i) => !taken[i])];
            if (refused.Length > 0)
            {
                Log.Refused(logger, refused.Length);
                await store.TakeBackAsync(refused, CancellationToken.None);
                window.Ended(refused.Length);
                window.BacklogIs(true);
            }
        }
        catch (Exception exception)
        {
            Log.NotTakenBack(logger, exception.GetBaseException().Message);
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    private async Task<bool> TryPublishAsync(TicketMessage ticket)
    {
        try
        {
            var body = JsonSerializer.SerializeToUtf8Bytes(ticket, ContractJson.Default.TicketMessage);
            await broker.PublishAsync(QueueNames.Tickets, body, ticket.TicketId.ToString(), options.Value.MessageExpiration);
            return true;
        }
        catch (BrokerUnavailableException)
        {
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "The broker did not take {Count} released tickets; they go back to the backlog")]
        public static partial void Refused(ILogger logger, int count);

        [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "Tickets that the broker did not take wait for their leases to end: {Reason}")]
        public static partial void NotTakenBack(ILogger logger, string reason);
    }
}

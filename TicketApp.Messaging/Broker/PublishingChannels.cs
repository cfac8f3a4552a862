using System.Collections.Concurrent;
using RabbitMQ.Client;

namespace TicketApp.Messaging.Broker;

/// <summary>
/// The channels over which a connection publishes, one for each queue. The broker handles a channel's messages one after the other, and
/// waits up to a minute for a queue that has no leader: the messages for all other queues would wait behind that one.
/// </summary>
/// <param name="connection">The connection.</param>
/// <param name="lost">Called when the broker closes one of them.</param>
internal sealed class PublishingChannels(IConnection connection, Action lost)
{
    // Callers bound what they have in flight; the client's default limiter would slow everybody at 64 unconfirmed messages.
    private static readonly CreateChannelOptions _confirmed = new(
        publisherConfirmationsEnabled: true,
        publisherConfirmationTrackingEnabled: true,
        outstandingPublisherConfirmationsRateLimiter: null);

    private readonly ConcurrentDictionary<string, PublishingChannel> _channels = new(StringComparer.Ordinal);

    /// <summary>The queues for which the broker has not answered to a message in time, nor since.</summary>
    public IEnumerable<string> Unanswered => from channel in _channels where channel.Value.IsUnanswered select channel.Key;

    /// <summary>The channel for a queue. What cannot be opened is opened again for the next who asks.</summary>
    public PublishingChannel Of(string queue) =>
        _channels.GetOrAdd(queue, static (queue, channels) => new(opened => channels.OpenAsync(queue, opened)), this);

    /// <summary>Closes the channel for a queue, unless the broker would not answer to that either.</summary>
    public void Close(string queue)
    {
        if (_channels.TryGetValue(queue, out var channel)
            && !channel.IsUnanswered
            && _channels.TryRemove(new(queue, channel)))
        {
            _ = CloseAsync(channel);
        }
    }

    private static async Task CloseAsync(PublishingChannel channel) =>
        await channel.Opened.ContinueWith(
            opened => opened.IsCompletedSuccessfully ? opened.Result.DisposeAsync().AsTask() : Task.CompletedTask,
            TaskScheduler.Default).Unwrap().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task<IChannel> OpenAsync(string queue, PublishingChannel self)
    {
        try
        {
            var channel = await connection.CreateChannelAsync(_confirmed);
            channel.ChannelShutdownAsync += (_, _) =>
            {
                // One that was closed here is not in use any more.
                if (_channels.Contains(new(queue, self)))
                {
                    lost();
                }

                return Task.CompletedTask;
            };
            return channel;
        }
        catch
        {
            _channels.TryRemove(new(queue, self));
            throw;
        }
    }
}

/// <summary>A channel over which the messages for one queue are published.</summary>
internal sealed class PublishingChannel
{
    private readonly Lazy<Task<IChannel>> _opened;
    private volatile Task _unanswered = Task.CompletedTask;

    public PublishingChannel(Func<PublishingChannel, Task<IChannel>> open) => _opened = new(() => open(this));

    /// <summary>Ends when it is open.</summary>
    public Task<IChannel> Opened => _opened.Value;

    /// <summary>Whether the broker still owes the answer to a message that was given up. Others would wait behind it.</summary>
    public bool IsUnanswered => !_unanswered.IsCompleted;

    /// <summary>A message was given up whose answer may still come.</summary>
    public void GiveUp(Task publishing)
    {
        _unanswered = publishing;
        // Nobody waits for it any more.
        _ = publishing.ContinueWith(
            static given => given.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }
}

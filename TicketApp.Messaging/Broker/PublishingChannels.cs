using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
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

    /// <summary>
    /// The channel for a queue. One that could not be opened is opened again for the next who asks, and one that owes an answer for long is
    /// replaced: a queue that was deleted meanwhile never gives it.
    /// </summary>
    public PublishingChannel Of(string queue)
    {
        if (_channels.TryGetValue(queue, out var channel) && channel.IsOverdue)
        {
            Remove(queue, channel);
        }

        return _channels.GetOrAdd(queue, static (queue, channels) => new(opened => channels.OpenAsync(queue, opened)), this);
    }

    /// <summary>Closes the channel for a queue, unless a message is on its way over it.</summary>
    public void CloseIdle(string queue)
    {
        if (_channels.TryGetValue(queue, out var channel) && channel.IsIdle)
        {
            Remove(queue, channel);
        }
    }

    /// <summary>Closes a channel, whatever is on its way over it.</summary>
    /// <returns>Whether it was in use until now.</returns>
    public bool Remove(string queue, PublishingChannel channel)
    {
        if (!_channels.TryRemove(new(queue, channel)))
        {
            return false;
        }

        _ = CloseAsync(channel);
        return true;
    }

    private static async Task CloseAsync(PublishingChannel channel)
    {
        if (channel.IsOpened)
        {
            await channel.Opened.ContinueWith(
                opened => opened.IsCompletedSuccessfully ? opened.Result.DisposeAsync().AsTask() : Task.CompletedTask,
                TaskScheduler.Default).Unwrap().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

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
[SuppressMessage("Design", "CA1001", Justification = "A semaphore has a handle only where one asks for it.")]
internal sealed class PublishingChannel
{
    // The broker reads no more from a connection that has about 400 messages before it for a channel that does not get on.
    private const int MaxInFlight = 200;

    // Longer than the broker waits for a queue.
    private const long OverdueMilliseconds = 120_000;

    private readonly Lazy<Task<IChannel>> _opened;
    private readonly SemaphoreSlim _free = new(MaxInFlight);
    private long _givenUp;
    private volatile Task _unanswered = Task.CompletedTask;

    public PublishingChannel(Func<PublishingChannel, Task<IChannel>> open) => _opened = new(() => open(this));

    /// <summary>Ends when it is open.</summary>
    public Task<IChannel> Opened => _opened.Value;

    /// <summary>Whether anybody has had it opened.</summary>
    public bool IsOpened => _opened.IsValueCreated;

    /// <summary>Whether the broker still owes the answer to a message that was given up. Others would wait behind it.</summary>
    public bool IsUnanswered => !_unanswered.IsCompleted;

    /// <summary>Whether it has owed it for minutes.</summary>
    public bool IsOverdue => IsUnanswered && Environment.TickCount64 - Volatile.Read(ref _givenUp) > OverdueMilliseconds;

    /// <summary>Whether no message is on its way.</summary>
    public bool IsIdle => _free.CurrentCount == MaxInFlight;

    /// <summary>Waits until one more message may be on its way; <see cref="Leave"/> ends that.</summary>
    /// <returns>False: there was no place within <paramref name="limit"/>.</returns>
    public Task<bool> EnterAsync(TimeSpan limit, CancellationToken cancellationToken) => _free.WaitAsync(limit, cancellationToken);

    /// <summary>A message is no more on its way, or never was.</summary>
    public void Leave() => _free.Release();

    /// <summary>A message was given up whose answer may still come. It is on its way until then.</summary>
    /// <returns>Whether it is the first.</returns>
    public bool GiveUp(Task publishing)
    {
        var isFirst = !IsUnanswered;
        if (isFirst)
        {
            Volatile.Write(ref _givenUp, Environment.TickCount64);
        }

        _unanswered = publishing;
        return isFirst;
    }
}

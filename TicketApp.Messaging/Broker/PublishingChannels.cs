using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace TicketApp.Messaging.Broker;

/// <summary>
/// The channels over which a connection publishes, one for each queue. The broker handles a channel's messages one after the other, and
/// waits up to a minute for a queue that has no leader: the messages for all other queues would wait behind that one.
/// </summary>
/// <param name="connection">The connection.</param>
/// <param name="lost">Called when the broker closes one of them.</param>
/// <param name="silent">Called with a queue for which the broker has not answered in time.</param>
internal sealed class PublishingChannels(IConnection connection, Action lost, Action<string> silent)
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
        if (_channels.TryGetValue(queue, out var channel))
        {
            if (!channel.IsOverdue)
            {
                return channel;
            }

            Remove(queue, channel);
        }

        return _channels.GetOrAdd(queue, new PublishingChannel(opened => OpenAsync(queue, opened), () => silent(queue)));
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
    private readonly Action _silent;
    private readonly SemaphoreSlim _free = new(MaxInFlight);
    private long _givenUp;
    private long _rejectedSince; // 0: the last answer was not a rejection
    private volatile Task _unanswered = Task.CompletedTask;

    public PublishingChannel(Func<PublishingChannel, Task<IChannel>> open, Action silent) =>
        (_opened, _silent) = (new(() => open(this)), silent);

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

    /// <summary>For how long the broker has rejected every message.</summary>
    public TimeSpan RejectedFor =>
        Volatile.Read(ref _rejectedSince) is var since && since != 0 ? Stopwatch.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>Publishes one message and waits until the broker has it safe.</summary>
    /// <exception cref="TimeoutException">The broker has not answered within <paramref name="limit"/>.</exception>
    /// <exception cref="PublishException">It rejects the message, or there is no queue for it.</exception>
    public async Task PublishAsync(
        string exchange,
        string routingKey,
        bool isMandatory,
        BasicProperties properties,
        ReadOnlyMemory<byte> body,
        TimeSpan limit,
        CancellationToken cancellationToken)
    {
        if (!await _free.WaitAsync(limit, cancellationToken))
        {
            throw new TimeoutException($"{MaxInFlight} messages before it are not answered.");
        }

        var publishing = Task.CompletedTask;
        try
        {
            var channel = await Opened.WaitAsync(limit, cancellationToken);
            // Not cancelled: the broker answers anyway.
            publishing = channel.BasicPublishAsync(exchange, routingKey, isMandatory, properties, body, CancellationToken.None).AsTask();
            await publishing.WaitAsync(limit, cancellationToken);
            Volatile.Write(ref _rejectedSince, 0);
        }
        catch (TimeoutException) when (!publishing.IsCompleted)
        {
            GiveUp(publishing);
            throw;
        }
        catch (PublishException exception) when (!exception.IsReturn)
        {
            Interlocked.CompareExchange(ref _rejectedSince, Stopwatch.GetTimestamp(), 0);
            throw;
        }
        finally
        {
            // It is on its way until the broker has answered, though nobody waits for that any more.
            _ = LeaveAsync(publishing);
        }
    }

    private void GiveUp(Task publishing)
    {
        var isFirst = !IsUnanswered;
        if (isFirst)
        {
            Volatile.Write(ref _givenUp, Environment.TickCount64);
        }

        _unanswered = publishing;
        if (isFirst)
        {
            _silent();
        }
    }

    private async Task LeaveAsync(Task publishing)
    {
        await publishing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _free.Release();
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;
using TicketApp.ServiceDefaults;

namespace TicketApp.Messaging.Broker;

/// <summary>
/// Consumes queues on a connection of its own, each on its own channel, and proves that it lives by its own progress: where
/// messages wait, there is room for them and none has come for a while, the connection is given up and made again. If the broker ends
/// a channel or a consumer, only this one is made again.
/// </summary>
public abstract partial class BrokerConsumer(
    IConnectionFactory factory, string name, BrokerPublisher broker, LoopProgress progress, ILogger logger)
    : BrokerLoop(factory, $"{name} consumer", progress, logger)
{
    private static readonly TimeSpan _progressCheck = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _maxStandstill = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan _maxPause = TimeSpan.FromSeconds(5);

    // A broker that works answers within milliseconds; one that hangs is not waited for, since it sends nothing more either.
    private static readonly TimeSpan _cancelLimit = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<IChannel, string> _consumerTags = [];

    // Kept over connections: if a new one does not help, health says so.
    private readonly ConcurrentDictionary<string, long> _stillSince = [];
    private volatile bool _isStopping;
    private volatile QueueDeclarations? _queues;

    /// <summary>Publishes, over another connection.</summary>
    protected BrokerPublisher Broker { get; } = broker;

    /// <summary>Whether it is connected and gets on: what waits, and has room here, comes.</summary>
    public override bool IsReady => base.IsReady
        && _stillSince.Values.All(since => Environment.TickCount64 - since < _maxStandstill.TotalMilliseconds * 1.5);

    /// <inheritdoc/>
    public override IEnumerable<string> RefusedQueues => _queues?.Refused ?? [];

    /// <inheritdoc/>
    public override bool DeclaresQueues => Broker.DeclaresQueues;

    /// <summary>What is consumed.</summary>
    protected abstract IReadOnlyList<Consumption> Queues { get; }

    /// <summary>Takes one message. Called one at a time and in order for each queue; must not wait for the message's work.</summary>
    protected abstract ValueTask OnDeliveryAsync(Delivery delivery, CancellationToken lost);

    /// <summary>Runs beside the deliveries of one connection.</summary>
    protected virtual Task WhileConsumingAsync(CancellationToken lost) => Task.Delay(Timeout.Infinite, lost);

    /// <summary>Asks the broker for no more messages; those in progress stay so.</summary>
    /// <returns>Whether it has answered.</returns>
    protected Task<bool> StopConsumingAsync()
    {
        _isStopping = true;
        return StopStep.RunAsync($"consuming of {Name}", _cancelLimit, CancelAsync, Logger);

        Task CancelAsync() => Task.WhenAll(_consumerTags
            .Where(consumer => consumer.Key.IsOpen)
            .Select(consumer => consumer.Key.BasicCancelAsync(consumer.Value)));
    }

    /// <summary>
    /// Publishes what cannot be read of a message to <see cref="QueueNames.Errors"/>, however long
    /// that takes; the caller acknowledges it then.
    /// </summary>
    protected async Task MoveToErrorsAsync(Delivery delivery, ReadOnlyMemory<byte> body, string reason, CancellationToken lost)
    {
        Log.Unreadable(Logger, delivery.Queue, reason);
        while (true)
        {
            try
            {
                await Broker.PublishUnreadableAsync(delivery.Queue, body, reason, lost);
                return;
            }
            catch (BrokerUnavailableException)
            {
                await Task.Delay(_pause, lost);
            }
        }
    }

    protected override async Task WorkAsync(IConnection connection, Action working, CancellationToken lost)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(lost);
        var left = Queues.Count;
        QueueDeclarations queues = _queues = new(connection, DeclaresQueues, Logger);
        List<Task> tasks =
        [
            .. Queues.Select(queue => ConsumeAsync(connection, queue, queues, Consuming, ended.Token)),
            WhileConsumingAsync(ended.Token),
        ];
        var first = await Task.WhenAny(tasks);
        await ended.CancelAsync();
        await Task.WhenAll(tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (first is { IsFaulted: true, Exception: { } fault })
        {
            throw fault.GetBaseException();
        }

        void Consuming()
        {
            if (Interlocked.Decrement(ref left) == 0)
            {
                working();
            }
        }
    }

    /// <summary>
    /// Consumes a queue as long as the connection is good. The broker ends a channel that holds a message for too long, or a consumer
    /// whose queue moves; others have no part in it.
    /// </summary>
    private async Task ConsumeAsync(
        IConnection connection, Consumption queue, QueueDeclarations queues, Action consuming, CancellationToken ended)
    {
        await queue.Ready.WaitAsync(ended);
        var pause = _pause;
        var isFirst = true;
        while (true)
        {
            if (!await TryDeclareAsync(queue.Queue, queues, ended))
            {
                // The others do not wait for it.
                Consuming();
                await Task.Delay(_pause, ended);
                continue;
            }

            using var closed = CancellationTokenSource.CreateLinkedTokenSource(ended);
            try
            {
                await ConsumeOnceAsync(connection, queue, Consuming, closed);
                return;
            }
            catch (Exception exception) when (connection.IsOpen && !ended.IsCancellationRequested)
            {
                _stillSince.TryAdd(queue.Queue, Environment.TickCount64);
                var reason = exception is OperationCanceledException ? "the broker ended it" : exception.GetBaseException().Message;
                Log.ConsumerLost(Logger, Name, queue.Queue, reason, pause.TotalMilliseconds);
                queues.Forget(queue.Queue);
                await Task.Delay(pause, ended);
                pause = pause * 2 < _maxPause ? pause * 2 : _maxPause;
            }
        }

        void Consuming()
        {
            _stillSince.TryRemove(queue.Queue, out _);
            pause = _pause;
            if (isFirst)
            {
                isFirst = false;
                consuming();
            }
        }
    }

    /// <summary>Consumes a queue on a channel of its own.</summary>
    /// <returns>Ends if it stands still.</returns>
    /// <exception cref="Exception">The channel or the consumer is lost.</exception>
    private async Task ConsumeOnceAsync(IConnection connection, Consumption queue, Action consuming, CancellationTokenSource closed)
    {
        var ended = closed.Token;
        await using var channel = await connection.CreateChannelAsync(cancellationToken: ended);
        channel.ChannelShutdownAsync += (_, _) => closed.CancelAsync();
        await channel.BasicQosAsync(0, queue.Prefetch, global: false, ended);

        Watch watch = new();
        Acknowledgements acknowledgements = new(channel, queue.Prefetch);
        var acknowledging = acknowledgements.SendAsync(ended);
        AsyncEventingBasicConsumer consumer = new(channel);
        consumer.UnregisteredAsync += (_, _) => _isStopping ? Task.CompletedTask : closed.CancelAsync();
        consumer.ReceivedAsync += async (_, message) =>
        {
            watch.Delivered();
            // The client takes its buffer back when this handler returns.
            Delivery delivery = new(acknowledgements, message.DeliveryTag)
            {
                Queue = queue.Queue,
                Body = message.Body.ToArray(),
                Redelivered = message.Redelivered,
                Arrived = Stopwatch.GetTimestamp(),
            };
            await OnDeliveryAsync(delivery, ended);
        };

        try
        {
            if (!_isStopping)
            {
                _consumerTags[channel] = await channel.BasicConsumeAsync(queue.Queue, autoAck: false, consumer, ended);
            }

            consuming();
            // Without acknowledgements the broker would soon send nothing more: if they fail, the connection is made again.
            await await Task.WhenAny(acknowledging, WatchProgressAsync(channel, queue, watch, ended));
            ended.ThrowIfCancellationRequested();
        }
        catch (OperationCanceledException) when (channel.CloseReason is { } reason)
        {
            throw new InvalidOperationException(reason.ReplyText);
        }
        finally
        {
            _consumerTags.TryRemove(channel, out _);
            await closed.CancelAsync();
            await acknowledging;
        }
    }

    /// <summary>Declares a queue.</summary>
    /// <returns>False if the broker refuses it, which is no reason to give up the connection.</returns>
    private static async Task<bool> TryDeclareAsync(string queue, QueueDeclarations queues, CancellationToken ended)
    {
        try
        {
            await queues.DeclareAsync(queue).WaitAsync(ended);
            return true;
        }
        catch (OperationInterruptedException refusal) when (refusal is not AlreadyClosedException)
        {
            return false;
        }
    }

    private async Task WatchProgressAsync(IChannel channel, Consumption queue, Watch watch, CancellationToken ended)
    {
        using PeriodicTimer timer = new(_progressCheck);
        while (await timer.WaitForNextTickAsync(ended))
        {
            var state = await channel.QueueDeclarePassiveAsync(queue.Queue, ended);
            var isStill = state.MessageCount > 0 && queue.HasCapacity() && !_isStopping && watch.Still > _progressCheck;
            if (!isStill)
            {
                _stillSince.TryRemove(queue.Queue, out _);
            }
            else if (_stillSince.TryAdd(queue.Queue, Environment.TickCount64))
            {
                continue;
            }

            if (isStill && watch.Still > _maxStandstill)
            {
                Log.Standstill(Logger, Name, state.MessageCount, queue.Queue, watch.Still.TotalSeconds);
                return;
            }
        }
    }

    /// <summary>When the last message came.</summary>
    private sealed class Watch
    {
        private long _lastDelivery = Environment.TickCount64;

        public TimeSpan Still => TimeSpan.FromMilliseconds(Environment.TickCount64 - Volatile.Read(ref _lastDelivery));

        public void Delivered() => Volatile.Write(ref _lastDelivery, Environment.TickCount64);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Error,
            Message = "{Loop} stands still: {Waiting} messages wait in {Queue} and none came for {Seconds:F0} s; connecting again")]
        public static partial void Standstill(ILogger logger, string loop, uint waiting, string queue, double seconds);

        [LoggerMessage(EventId = 3, Level = LogLevel.Warning,
            Message = "{Loop} lost its consumer of {Queue} ({Reason}); making another in {Milliseconds:F0} ms")]
        public static partial void ConsumerLost(ILogger logger, string loop, string queue, string reason, double milliseconds);

        [LoggerMessage(EventId = 2, Level = LogLevel.Error,
            Message = "A message in {Queue} could not be read and goes to errors: {Reason}")]
        public static partial void Unreadable(ILogger logger, string queue, string reason);
    }
}

/// <summary>A queue that a <see cref="BrokerConsumer"/> takes messages from.</summary>
/// <param name="Queue">One of <see cref="QueueNames"/>.</param>
/// <param name="Prefetch">How many of its messages may be unacknowledged at once.</param>
/// <param name="HasCapacity">Whether a further message would be delivered now: false while all of the prefetch are in progress.</param>
/// <param name="Ready">Nothing is taken before this ends.</param>
public sealed record Consumption(string Queue, ushort Prefetch, Func<bool> HasCapacity, Task Ready);

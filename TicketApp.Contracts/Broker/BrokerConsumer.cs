using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace TicketApp.Contracts.Broker;

/// <summary>A message in hand: unacknowledged until <see cref="AckAsync"/>.</summary>
/// <param name="Body">A copy of the message.</param>
/// <param name="Redelivered">Whether the broker has handed it out before.</param>
/// <param name="Channel">Where it came from; an acknowledgement counts only there.</param>
/// <param name="Tag">Its number on that channel.</param>
public readonly record struct Delivery(ReadOnlyMemory<byte> Body, bool Redelivered, IChannel Channel, ulong Tag)
{
    /// <summary>Tells the broker to forget the message; with <paramref name="multiple"/> also all before it on the channel.</summary>
    /// <remarks>Does nothing once the channel is lost: the broker has taken the message back by then and delivers it again.</remarks>
    public async ValueTask AckAsync(bool multiple = false)
    {
        if (!Channel.IsOpen)
        {
            return;
        }

        try
        {
            await Channel.BasicAckAsync(Tag, multiple);
        }
        catch (Exception exception) when (exception is RabbitMQ.Client.Exceptions.AlreadyClosedException or ObjectDisposedException or OperationCanceledException)
        {
            // Lost between the check and the frame: as above.
        }
    }
}

/// <summary>
/// Consumes one queue on a connection of its own and proves that it lives by its own progress: where messages wait,
/// there is room for them and none has come for a while, the connection is given up and made anew.
/// </summary>
public abstract partial class BrokerConsumer(IConnectionFactory factory, string queue, ILogger logger)
    : BrokerLoop(factory, $"{queue} consumer", logger)
{
    private static readonly TimeSpan _progressCheck = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _longestStandstill = TimeSpan.FromSeconds(20);

    private string? _consumerTag;
    private IChannel? _channel;
    private long _lastDelivery;

    /// <summary>How many messages may be unacknowledged at once.</summary>
    protected abstract ushort Prefetch { get; }

    /// <summary>Whether a further message would be delivered now: false while all of <see cref="Prefetch"/> are in hand.</summary>
    protected abstract bool HasRoom { get; }

    /// <summary>Takes one message. Called one at a time and in order; must not wait for the message's work.</summary>
    protected abstract ValueTask OnDeliveryAsync(Delivery delivery, CancellationToken lost);

    /// <summary>Runs beside the deliveries of one connection.</summary>
    protected virtual Task WhileConsumingAsync(CancellationToken lost) => Task.Delay(Timeout.Infinite, lost);

    /// <summary>Asks the broker for no more messages; those in hand stay so.</summary>
    protected async Task StopConsumingAsync()
    {
        if (_channel is { IsOpen: true } channel && Interlocked.Exchange(ref _consumerTag, null) is { } tag)
        {
            await channel.BasicCancelAsync(tag);
        }
    }

    protected override async Task WorkAsync(IConnection connection, Action working, CancellationToken lost)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: lost);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(lost);
        channel.ChannelShutdownAsync += (_, _) => ended.CancelAsync();
        await channel.BasicQosAsync(0, Prefetch, global: false, lost);

        AsyncEventingBasicConsumer consumer = new(channel);
        consumer.UnregisteredAsync += (_, _) => _consumerTag is null ? Task.CompletedTask : ended.CancelAsync();
        consumer.ReceivedAsync += async (_, message) =>
        {
            Volatile.Write(ref _lastDelivery, Environment.TickCount64);
            // The client takes its buffer back when this handler returns.
            await OnDeliveryAsync(new Delivery(message.Body.ToArray(), message.Redelivered, channel, message.DeliveryTag), ended.Token);
        };

        _channel = channel;
        _lastDelivery = Environment.TickCount64;
        _consumerTag = await channel.BasicConsumeAsync(queue, autoAck: false, consumer, lost);
        working();

        var beside = WhileConsumingAsync(ended.Token);
        var first = await Task.WhenAny(beside, WatchProgressAsync(channel, ended.Token));
        await ended.CancelAsync();
        await beside.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (first is { IsFaulted: true, Exception: { } fault })
        {
            throw fault.GetBaseException();
        }
    }

    private async Task WatchProgressAsync(IChannel channel, CancellationToken ended)
    {
        using PeriodicTimer timer = new(_progressCheck);
        while (await timer.WaitForNextTickAsync(ended))
        {
            var state = await channel.QueueDeclarePassiveAsync(queue, ended);
            var still = TimeSpan.FromMilliseconds(Environment.TickCount64 - Volatile.Read(ref _lastDelivery));
            if (state.MessageCount > 0 && HasRoom && _consumerTag is not null && still > _longestStandstill)
            {
                Log.Standstill(Logger, Name, state.MessageCount, still.TotalSeconds);
                return;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "{Loop} stands still: {Waiting} messages wait and none came for {Seconds:F0} s; connecting anew")]
        public static partial void Standstill(ILogger logger, string loop, uint waiting, double seconds);
    }
}

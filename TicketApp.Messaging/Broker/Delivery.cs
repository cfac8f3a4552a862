using System.Diagnostics;
using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace TicketApp.Messaging.Broker;

/// <summary>A message in progress: the broker's until <see cref="Acknowledge"/>.</summary>
public readonly record struct Delivery
{
    private readonly Acknowledgements _acknowledgements;
    private readonly ulong _tag;

    internal Delivery(Acknowledgements acknowledgements, ulong tag) => (_acknowledgements, _tag) = (acknowledgements, tag);

    /// <summary>The queue it came from.</summary>
    public required string Queue { get; init; }

    /// <summary>A copy of the message.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>When it arrived, as <see cref="System.Diagnostics.Stopwatch.GetTimestamp"/>.</summary>
    public required long Arrived { get; init; }

    /// <summary>Whether the broker has handed it out before.</summary>
    public required bool Redelivered { get; init; }

    /// <summary>Whether the channel that it came over is lost: the broker then delivers the message again.</summary>
    public bool IsLost => !_acknowledgements.IsOpen;

    /// <summary>
    /// Tells the broker, within 20 ms, to forget the message; does nothing once it is lost. If the channel closes at that moment, the
    /// message may come again anyway: a quorum queue drops acknowledgements that it has not taken in by then (rabbitmq-server issue 10327).
    /// </summary>
    public void Acknowledge() => _acknowledgements.Add(_tag);
}

/// <summary>A delivered message whose parts are dealt with one by one. It can be acknowledged before the last of them is.</summary>
/// <param name="delivery">The message.</param>
/// <param name="parts">How many parts it has.</param>
public sealed class PendingDelivery(Delivery delivery, int parts)
{
    private readonly long _delivered = Stopwatch.GetTimestamp();
    private int _left = parts;
    private int _isAcknowledged;

    /// <summary>The message.</summary>
    public Delivery Delivery { get; } = delivery;

    /// <summary>Since when it is held.</summary>
    public TimeSpan Age => Stopwatch.GetElapsedTime(_delivered);

    /// <summary>Whether the broker counts it no more among those that are in progress here.</summary>
    public bool IsGone => Volatile.Read(ref _isAcknowledged) == 1 || Delivery.IsLost;

    /// <summary>One of its parts is done with.</summary>
    /// <returns>Whether that was the last one.</returns>
    public bool Complete() => Interlocked.Decrement(ref _left) == 0;

    /// <summary>Acknowledges it, once.</summary>
    public void Acknowledge()
    {
        if (Interlocked.Exchange(ref _isAcknowledged, 1) == 0)
        {
            Delivery.Acknowledge();
        }
    }
}

/// <summary>
/// Acknowledges what came over one channel, a moment late: each frame is an entry in a quorum queue's log, which is synced to
/// disk before the next message continues, and nobody waits for it. Deliveries that continue what is acknowledged already
/// share one frame, the others get one each.
/// </summary>
internal sealed class Acknowledgements(IChannel channel, ushort prefetch)
{
    private const double MaxPause = 20;

    // What waits here takes room from the next messages: where there is little of it, it waits less.
    private readonly TimeSpan _pause = TimeSpan.FromMilliseconds(Math.Min(MaxPause, prefetch / 5));

    private readonly Channel<ulong> _tags = Channel.CreateUnbounded<ulong>(new UnboundedChannelOptions { SingleReader = true });
    private readonly HashSet<ulong> _ahead = [];
    private ulong _allUpTo;

    /// <summary>Whether an acknowledgement can still arrive. If not, the broker delivers the messages again.</summary>
    public bool IsOpen => channel.IsOpen;

    /// <summary>Acknowledges the delivery of that number.</summary>
    public void Add(ulong tag) => _tags.Writer.TryWrite(tag);

    /// <summary>Sends what is added until <paramref name="ended"/>, and what is there by then.</summary>
    public async Task SendAsync(CancellationToken ended)
    {
        try
        {
            while (await _tags.Reader.WaitToReadAsync(ended))
            {
                await Task.Delay(_pause, ended);
                await SendAllAsync();
            }
        }
        catch (OperationCanceledException)
        {
            await SendAllAsync();
        }
    }

    private async Task SendAllAsync()
    {
        HashSet<ulong> tags = [];
        while (_tags.Reader.TryRead(out var tag))
        {
            tags.Add(tag);
        }

        _ahead.UnionWith(tags);
        ulong last = 0;
        while (_ahead.Remove(_allUpTo + 1))
        {
            _allUpTo++;
            last = tags.Contains(_allUpTo) ? _allUpTo : last;
        }

        try
        {
            if (last > 0 && channel.IsOpen)
            {
                await channel.BasicAckAsync(last, multiple: true);
            }

            foreach (var ahead in tags.Where(tag => tag > _allUpTo && channel.IsOpen))
            {
                await channel.BasicAckAsync(ahead, multiple: false);
            }
        }
        catch (Exception exception) when (exception is AlreadyClosedException or ObjectDisposedException or OperationCanceledException)
        {
            // Lost between the check and the frame: the broker delivers them again.
        }
    }
}

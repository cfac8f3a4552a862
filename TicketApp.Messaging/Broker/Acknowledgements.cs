using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace TicketApp.Messaging.Broker;

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

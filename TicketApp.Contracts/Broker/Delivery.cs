using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace TicketApp.Contracts.Broker;

/// <summary>A message in hand: unacknowledged until <see cref="AckAsync"/>.</summary>
/// <param name="Queue">The queue it came from.</param>
/// <param name="Body">A copy of the message.</param>
/// <param name="Redelivered">Whether the broker has handed it out before.</param>
/// <param name="Channel">Where it came from; an acknowledgement counts only there.</param>
/// <param name="Tag">Its number on that channel.</param>
public readonly record struct Delivery(string Queue, ReadOnlyMemory<byte> Body, bool Redelivered, IChannel Channel, ulong Tag)
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
        catch (Exception exception) when (exception is AlreadyClosedException or ObjectDisposedException or OperationCanceledException)
        {
            // Lost between the check and the frame: as above.
        }
    }
}

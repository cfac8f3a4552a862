using System.Diagnostics;

namespace TicketApp.Messaging.Broker;

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

using System.Diagnostics;
using TicketApp.Messaging.Broker;

namespace TicketApp.Worker.Runs;

/// <summary>A delivered message: acknowledged once all its tickets are reported, or before the broker finds it held too long.</summary>
internal sealed class PendingDelivery(Delivery delivery, int tickets)
{
    private readonly long _delivered = Stopwatch.GetTimestamp();
    private int _left = tickets;
    private int _isAcknowledged;

    public Delivery Delivery { get; } = delivery;

    /// <summary>Since when it is held.</summary>
    public TimeSpan Age => Stopwatch.GetElapsedTime(_delivered);

    /// <summary>Whether the broker counts it no more among those that are in progress here.</summary>
    public bool IsGone => Volatile.Read(ref _isAcknowledged) == 1 || Delivery.IsLost;

    /// <summary>One of its tickets is done with.</summary>
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

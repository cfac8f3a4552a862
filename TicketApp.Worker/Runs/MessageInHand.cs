using TicketApp.Contracts.Broker;

namespace TicketApp.Worker.Runs;

/// <summary>A delivered message: acknowledged once the last of its tickets is reported.</summary>
internal sealed class MessageInHand(Delivery delivery, int tickets)
{
    private int _left = tickets;

    public Delivery Delivery { get; } = delivery;

    /// <summary>One of its tickets is done with.</summary>
    /// <returns>Whether that was the last one.</returns>
    public bool Complete() => Interlocked.Decrement(ref _left) == 0;
}

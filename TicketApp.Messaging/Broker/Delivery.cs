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

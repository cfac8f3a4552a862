namespace TicketApp.Messaging;

/// <summary>
/// Tells all workers to stop runs, and not to begin them: the body of a message in the exchange
/// <see cref="QueueNames.Control"/>. Any may be lost, and all are repeated.
/// </summary>
public sealed record CancellationMessage
{
    /// <summary>The runs that are not wanted.</summary>
    public required IReadOnlyList<RunReference> Runs { get; init; }

    /// <summary>For how many seconds to remember them: as long as a message that was dispatched before may still come.</summary>
    public int RememberSeconds { get; init; }
}

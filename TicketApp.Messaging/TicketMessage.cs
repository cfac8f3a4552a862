namespace TicketApp.Messaging;

/// <summary>
/// A ticket dispatched to the workers: the body of a message in its model's queue (<see cref="QueueNames.TicketsOf"/>), or one element of
/// it. Tickets share a message only while runs take milliseconds.
/// </summary>
public sealed record TicketMessage
{
    public required Guid TicketId { get; init; }

    public required Guid UserId { get; init; }

    /// <summary>The model that is to answer, for example <c>simulated</c>.</summary>
    public required string Model { get; init; }

    /// <summary>What the model is asked; null for models that need no input.</summary>
    public Payload? Input { get; init; }

    /// <summary>The attempt that this dispatch is, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>The lease epoch. A report counts only under the epoch that the ticket still has.</summary>
    public required int Epoch { get; init; }

    /// <summary>After this many seconds in a worker's hands it must not be started: its lease may have ended. 0: at any time.</summary>
    public int StartWithinSeconds { get; init; }

    /// <summary>How many seconds its run may take, if less than the worker allows. 0: as long as that.</summary>
    public int ExecutionTimeoutSeconds { get; init; }

    /// <summary>
    /// The W3C <c>traceparent</c> of the request that made the ticket; null if it is not traced. A message's own header speaks
    /// of the message, which tickets may share.
    /// </summary>
    public string? TraceParent { get; init; }

    /// <summary>When the ticket ends unanswered, on the database's clock.</summary>
    public required DateTimeOffset Deadline { get; init; }
}

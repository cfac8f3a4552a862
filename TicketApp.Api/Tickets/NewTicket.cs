using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Messaging;

namespace TicketApp.Api.Tickets;

/// <summary>A ticket to store.</summary>
/// <param name="TicketId">A new UUID of version 7.</param>
/// <param name="UserId">Whose it is; may turn out not to exist.</param>
/// <param name="Priority">How soon it comes when tickets wait.</param>
internal sealed record NewTicket(Guid TicketId, Guid UserId, TicketPriority Priority = TicketPriority.Normal)
{
    /// <summary>What the resource API can say of a ticket; null for one of the original API.</summary>
    public TicketDetails? Details { get; init; }

    /// <summary>By what a repetition of its submission is known; null if the caller gave nothing.</summary>
    public IdempotencyKey? Key { get; init; }

    /// <summary>The span of the request; null if it is not traced.</summary>
    public string? TraceParent { get; init; }
}

/// <summary>What the resource API can say of a new ticket.</summary>
/// <param name="Model">The model that is to answer.</param>
/// <param name="Input">What it is asked.</param>
/// <param name="QueueTtlS">Seconds from creation to start; null: <see cref="TicketOptions.QueueTtl"/>.</param>
/// <param name="ExecutionTimeoutS">Seconds of one run; null: the worker's limit.</param>
/// <param name="DeadlineS">Seconds from creation to finish; null: <see cref="TicketOptions.Deadline"/>.</param>
/// <param name="Webhook">Where to tell of it; null: nowhere.</param>
internal sealed record TicketDetails(
    string Model, Payload? Input, int? QueueTtlS, int? ExecutionTimeoutS, int? DeadlineS, Webhook? Webhook = null);

/// <summary>
/// A ticket that was stored, as far as the database decided it. Of tickets of the original API, whose callers do not ask, nothing is known.
/// </summary>
/// <param name="Status">Queued or dispatched.</param>
/// <param name="MaxAttempts">How many attempts it has.</param>
/// <param name="Created">When it was created.</param>
/// <param name="Expires">Its processing limit.</param>
internal readonly record struct StoredTicket(TicketStatus Status, int MaxAttempts, DateTime Created, DateTime Expires)
{
    /// <summary>Whether it was not stored, because its user has as many open tickets as one may have.</summary>
    public bool IsRefused { get; init; }

    /// <summary>A ticket that was just stored, without asking for it.</summary>
    public TicketRecord ToRecord(NewTicket ticket) => new()
    {
        TicketId = ticket.TicketId,
        UserId = ticket.UserId,
        Status = Status,
        Model = ticket.Details!.Model,
        Input = ticket.Details.Input,
        Priority = ticket.Priority,
        Attempt = Status == TicketStatus.Dispatched ? 1 : 0,
        MaxAttempts = MaxAttempts,
        Epoch = Status == TicketStatus.Dispatched ? 1 : 0,
        Created = Created,
        Expires = Expires,
    };
}

/// <summary>What became of a batch of new tickets.</summary>
/// <param name="Stored">Those that were stored, by id; the user of any other is unknown.</param>
/// <param name="Dispatched">Those of them to publish now.</param>
internal sealed record Creation(IReadOnlyDictionary<Guid, StoredTicket> Stored, IReadOnlyList<TicketMessage> Dispatched);

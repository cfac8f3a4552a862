using System.Text.Json.Serialization;
using TicketApp.Api.Http;

namespace TicketApp.Api.Tickets;

/// <summary>Tickets that are submitted together.</summary>
/// <param name="Tickets">Each as it would be submitted alone.</param>
public sealed record TicketBatch(IReadOnlyList<CreateTicket> Tickets);

/// <summary>What became of a batch.</summary>
/// <param name="Results">One for each ticket, in the order of the request.</param>
public sealed record TicketBatchResult(IReadOnlyList<TicketBatchItem> Results);

/// <summary>What became of one ticket of a batch: either the ticket or the problem.</summary>
/// <param name="Ticket">The ticket.</param>
/// <param name="Problem">Why it does not exist.</param>
/// <param name="Replayed">True if an earlier request with the same idempotency key had made it.</param>
public sealed record TicketBatchItem(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] TicketResource? Ticket,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Problem? Problem,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Replayed);

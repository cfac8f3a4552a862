using TicketApp.Contracts;

namespace TicketApp.Api.Tickets;

/// <summary>A ticket to store.</summary>
/// <param name="TicketId">A new UUID of version 7.</param>
/// <param name="UserId">Whose it is; may turn out not to exist.</param>
/// <param name="Priority">How soon it comes when tickets wait.</param>
internal sealed record NewTicket(Guid TicketId, Guid UserId, TicketPriority Priority = TicketPriority.Normal);

/// <summary>How soon a ticket comes when tickets wait, by its number in the database. While all have some waiting, four high ones go for each normal one, and four normal ones for each low one.</summary>
internal enum TicketPriority
{
    Low = 0,
    Normal = 1,
    High = 2,
}

/// <summary>What became of a batch of new tickets.</summary>
/// <param name="Stored">The ids that were stored; the user of any other is unknown.</param>
/// <param name="Released">Those of them to publish now.</param>
internal sealed record Creation(IReadOnlySet<Guid> Stored, IReadOnlyList<TicketMessage> Released);

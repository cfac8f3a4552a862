using TicketApp.Contracts;

namespace TicketApp.Api.Tickets;

/// <summary>A ticket to store.</summary>
/// <param name="TicketId">A new UUID of version 7.</param>
/// <param name="UserId">Whose it is; may turn out not to exist.</param>
internal sealed record NewTicket(Guid TicketId, Guid UserId);

/// <summary>What became of a batch of new tickets.</summary>
/// <param name="Stored">The ids that were stored; the user of any other is unknown.</param>
/// <param name="Released">Those of them to publish now.</param>
internal sealed record Creation(IReadOnlySet<Guid> Stored, IReadOnlyList<TicketMessage> Released);

namespace WolverineBaseline;

/// <summary>Work for the worker.</summary>
public sealed record TicketRequested(Guid TicketId, Guid UserId);

/// <summary>What the worker answers.</summary>
public sealed record TicketAnswered(Guid TicketId, Guid UserId, string Response);

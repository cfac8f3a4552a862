using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

/// <summary>What became of a ticket that was to be canceled.</summary>
internal enum CancelResult
{
    /// <summary>There is no such ticket.</summary>
    NotFound,

    /// <summary>It did not run, and never will.</summary>
    Canceled,

    /// <summary>Its worker is told to stop; it ends as canceled then, unless its result was quicker.</summary>
    Canceling,

    /// <summary>It had ended before, which stays so.</summary>
    AlreadyFinished,
}

/// <summary>What became of a ticket that was to be canceled.</summary>
/// <param name="Result">What became of it.</param>
/// <param name="Status">Where it is now; of no meaning if it was not found.</param>
internal readonly record struct CancelOutcome(CancelResult Result, TicketStatus Status);

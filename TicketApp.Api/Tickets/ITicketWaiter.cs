using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

/// <summary>Lets requests wait for tickets; <c>Waiting</c> implements it.</summary>
internal interface ITicketWaiter
{
    /// <summary>Waits for the ticket to end, if the request prefers that to an answer at once, and says so in the response.</summary>
    /// <returns>The ticket as it is then; null if it is gone.</returns>
    /// <exception cref="OverloadedException">As many requests wait as may.</exception>
    Task<TicketRecord?> WaitAsync(HttpContext context, TicketRecord ticket, CancellationToken cancellationToken);
}

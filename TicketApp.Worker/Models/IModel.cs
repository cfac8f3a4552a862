using TicketApp.Contracts;

namespace TicketApp.Worker.Models;

/// <summary>What answers tickets. One class a model, registered in one line.</summary>
public interface IModel
{
    /// <summary>The word by which tickets choose it, for example <c>simulated</c>.</summary>
    string Name { get; }

    /// <summary>Answers one ticket.</summary>
    /// <param name="ticket">The ticket.</param>
    /// <param name="cancellationToken">Cancelled when the run limit is over, or the worker stops and hands the ticket back.</param>
    /// <returns>The response. An exception ends the attempt as failed.</returns>
    ValueTask<string> RunAsync(TicketMessage ticket, CancellationToken cancellationToken);
}

using TicketApp.Api.Tickets;

namespace TicketApp.Api.Responses;

/// <summary>What applying a batch of reports did.</summary>
internal sealed class ReportOutcome
{
    /// <summary>Tickets that ended, as they now are.</summary>
    public List<TicketSnapshot> Ended { get; } = [];

    /// <summary>How many tickets left the window without an end: handed back, or waiting for another attempt.</summary>
    public int Returned { get; set; }

    /// <summary>How many results came too late to count.</summary>
    public int Late { get; set; }

    /// <summary>Whether a ticket ended in a way that "errors" must be told of.</summary>
    public bool HasErrors { get; set; }
}

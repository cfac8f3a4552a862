namespace WolverineBaseline;

public sealed class Ticket
{
    public Guid TicketId { get; set; }

    public Guid UserId { get; set; }

    public DateTime TimeCreated { get; set; }

    public DateTime? TimeFinished { get; set; }

    public string? Response { get; set; }
}

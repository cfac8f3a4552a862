using Microsoft.EntityFrameworkCore;

namespace WolverineBaseline;

/// <summary>Stores answers, one statement a batch. The inbox has them until then, and an answer that comes twice changes nothing.</summary>
public static class AnswersHandler
{
    public static Task HandleAsync(TicketAnswered[] answers, TicketsContext database, CancellationToken cancellationToken)
    {
        Guid[] ids = [.. answers.Select(answer => answer.TicketId)];
        string[] responses = [.. answers.Select(answer => answer.Response)];
        return database.Database.ExecuteSqlAsync(
            $"""
            update tickets t set time_finished = now(), response = r.response
            from unnest({ids}, {responses}) r (ticket_id, response)
            where t.ticket_id = r.ticket_id and t.time_finished is null
            """,
            cancellationToken);
    }
}

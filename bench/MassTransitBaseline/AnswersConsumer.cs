using MassTransit;
using Microsoft.EntityFrameworkCore;

namespace MassTransitBaseline;

/// <summary>Stores answers, one statement a batch.</summary>
internal sealed class AnswersConsumer(TicketsContext database) : IConsumer<Batch<TicketAnswered>>
{
    public async Task Consume(ConsumeContext<Batch<TicketAnswered>> context)
    {
        Guid[] ids = [.. context.Message.Select(answer => answer.Message.TicketId)];
        string[] responses = [.. context.Message.Select(answer => answer.Message.Response)];
        await database.Database.ExecuteSqlAsync(
            $"""
            update tickets t set time_finished = now(), response = r.response
            from unnest({ids}, {responses}) r (ticket_id, response)
            where t.ticket_id = r.ticket_id and t.time_finished is null
            """,
            context.CancellationToken);
    }
}

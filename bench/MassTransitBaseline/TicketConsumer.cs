using MassTransit;

namespace MassTransitBaseline;

/// <summary>The zero-length model.</summary>
internal sealed class TicketConsumer : IConsumer<TicketRequested>
{
    private static readonly Uri _responses = Queues.Address(Queues.Responses);

    public async Task Consume(ConsumeContext<TicketRequested> context)
    {
        var answer = Random.Shared.Next(2) == 0 ? "Happy message" : "Sad message";
        await context.Send(_responses, new TicketAnswered(context.Message.TicketId, context.Message.UserId, answer));
    }
}

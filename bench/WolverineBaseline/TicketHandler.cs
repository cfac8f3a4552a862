using Wolverine.Runtime;

namespace WolverineBaseline;

/// <summary>The zero-length model.</summary>
public static class TicketHandler
{
    public static async Task HandleAsync(TicketRequested request, IWolverineRuntime runtime)
    {
        var answer = Random.Shared.Next(2) == 0 ? "Happy message" : "Sad message";
        // What a handler returns, or sends by its context, is dropped with a line in the log when it cannot be sent, and the request is
        // acknowledged. Sent by a bus of its own, an answer that cannot be sent fails the request.
        MessageBus bus = new(runtime);
        await bus.SendAsync(new TicketAnswered(request.TicketId, request.UserId, answer));
    }
}

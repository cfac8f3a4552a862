namespace WolverineBaseline;

internal static class Queues
{
    public const string Tickets = "wolverine-tickets";
    public const string Responses = "wolverine-responses";
}

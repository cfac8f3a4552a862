namespace MassTransitBaseline;

internal static class Queues
{
    public const string Tickets = "masstransit-tickets";
    public const string Responses = "masstransit-responses";

    // The exchange in front of the queue: its receiver declares the queue, as a quorum queue.
    public static Uri Address(string queue) => new($"exchange:{queue}");
}

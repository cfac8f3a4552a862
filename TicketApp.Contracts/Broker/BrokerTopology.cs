using RabbitMQ.Client;

namespace TicketApp.Contracts.Broker;

/// <summary>Declares the queues. Api and Worker both do so at each connect: whichever comes first finds what it needs.</summary>
internal static class BrokerTopology
{
    // In 4.0 a quorum queue drops a message after 20 deliveries by default. Poison messages are moved to "errors" on their
    // first delivery here, so a high count only ever means many lost connections, and no message is dropped for those.
    private const int DeliveryLimit = 1_000_000;

    private static readonly TimeSpan _errorsKeptFor = TimeSpan.FromDays(14);
    private const int ErrorsKept = 100_000;

    public static async Task DeclareAsync(IChannel channel, CancellationToken cancellationToken)
    {
        Dictionary<string, object?> work = new() { ["x-queue-type"] = "quorum", ["x-delivery-limit"] = DeliveryLimit };
        // Nobody is obliged to read "errors": bounded by age and by length, the oldest going first.
        Dictionary<string, object?> errors = new()
        {
            ["x-queue-type"] = "quorum",
            ["x-delivery-limit"] = DeliveryLimit,
            ["x-message-ttl"] = (long)_errorsKeptFor.TotalMilliseconds,
            ["x-max-length"] = ErrorsKept,
            ["x-overflow"] = "drop-head",
        };

        foreach (var (queue, arguments) in new[] { (QueueNames.Tickets, work), (QueueNames.Responses, work), (QueueNames.Errors, errors) })
        {
            await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
        }
    }
}

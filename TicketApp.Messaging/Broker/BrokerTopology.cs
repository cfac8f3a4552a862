using RabbitMQ.Client;

namespace TicketApp.Messaging.Broker;

/// <summary>
/// Declares the exchanges and queues. The Api does so, at each connect and now and then, and those of models once it hears of them.
/// Workers may not: they wait until what they need is there.
/// </summary>
internal static class BrokerTopology
{
    // In 4.0 a quorum queue drops a message after 20 deliveries by default. Poison messages are moved to "errors" on their
    // first delivery here, so a high count only ever means many lost connections, and no message is dropped for those.
    private const int DeliveryLimit = 1_000_000;

    private static readonly TimeSpan _errorsKeptFor = TimeSpan.FromDays(14);
    private const int ErrorsKept = 100_000;

    private static readonly Dictionary<string, object?> _work = new() { ["x-queue-type"] = "quorum", ["x-delivery-limit"] = DeliveryLimit };

    public static async Task DeclareAsync(IChannel channel, CancellationToken cancellationToken)
    {
        // Nobody is obliged to read "errors": bounded by age and by length, the oldest going first.
        Dictionary<string, object?> errors = new()
        {
            ["x-queue-type"] = "quorum",
            ["x-delivery-limit"] = DeliveryLimit,
            ["x-message-ttl"] = (long)_errorsKeptFor.TotalMilliseconds,
            ["x-max-length"] = ErrorsKept,
            ["x-overflow"] = "drop-head",
        };

        await channel.ExchangeDeclareAsync(QueueNames.Control, ExchangeType.Fanout, durable: true, cancellationToken: cancellationToken);
        await channel.ExchangeDeclareAsync(QueueNames.Reports, ExchangeType.Direct, durable: true, cancellationToken: cancellationToken);
        await DeclareWorkAsync(channel, QueueNames.Responses, cancellationToken);
        await DeclareAsync(channel, QueueNames.Errors, errors, cancellationToken);
    }

    /// <summary>Whether the exchanges are there, for who may not declare them.</summary>
    /// <exception cref="RabbitMQ.Client.Exceptions.OperationInterruptedException">They are not.</exception>
    public static async Task CheckAsync(IChannel channel, CancellationToken cancellationToken)
    {
        await channel.ExchangeDeclarePassiveAsync(QueueNames.Control, cancellationToken);
        await channel.ExchangeDeclarePassiveAsync(QueueNames.Reports, cancellationToken);
    }

    /// <summary>Declares a queue of work: <c>responses</c>, or that of a model.</summary>
    public static Task DeclareWorkAsync(IChannel channel, string queue, CancellationToken cancellationToken) =>
        DeclareAsync(channel, queue, _work, cancellationToken);

    private static async Task DeclareAsync(
        IChannel channel, string queue, Dictionary<string, object?> arguments, CancellationToken cancellationToken)
    {
        await channel.QueueDeclareAsync(
            queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
        if (QueueNames.ExchangeOf(queue) is { Length: > 0 } exchange)
        {
            await channel.QueueBindAsync(queue, exchange, routingKey: queue, cancellationToken: cancellationToken);
        }
    }
}

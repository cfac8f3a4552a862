using System.Diagnostics;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Limits;

/// <summary>How many messages a quorum queue of this RabbitMQ takes and gives a second.</summary>
internal sealed class QueueTtl(BenchServers servers)
{
    private const string Queue = "bench-limits";
    private const int BodySize = 250;

    private static readonly CreateChannelOptions _confirmed = new(
        publisherConfirmationsEnabled: true,
        publisherConfirmationTrackingEnabled: true,
        outstandingPublisherConfirmationsRateLimiter: null);

    /// <summary>Publishes persistent, mandatory messages, each confirmed, with so many in progress at once.</summary>
    /// <returns>Messages a second.</returns>
    public async Task<double> PublishAsync(int inFlight, TimeSpan time, string? expiration, CancellationToken cancellationToken)
    {
        await using var connection = await servers.ConnectAsync(cancellationToken);
        await using var channel = await connection.CreateChannelAsync(_confirmed, cancellationToken);
        Dictionary<string, object?> arguments = new() { ["x-queue-type"] = "quorum" };
        await channel.QueueDeclareAsync(
            Queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
        var started = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, inFlight).Select(async _ =>
        {
            var count = 0;
            BasicProperties properties = new()
            {
                DeliveryMode = DeliveryModes.Persistent,
                ContentType = "application/json",
                Expiration = expiration,
            };
            for (var body = new byte[BodySize]; Stopwatch.GetElapsedTime(started) < time; count++)
            {
                await channel.BasicPublishAsync(exchange: "", Queue, mandatory: true, properties, body, cancellationToken);
            }

            return count;
        }));
        return counts.Sum() / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    /// <summary>Consumes what is there, with one acknowledgement for each <paramref name="ackEvery"/> messages.</summary>
    /// <returns>Messages a second.</returns>
    public async Task<double> ConsumeAsync(int ackEvery, TimeSpan time, CancellationToken cancellationToken)
    {
        await using var connection = await servers.ConnectAsync(cancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        var waiting = (await channel.QueueDeclarePassiveAsync(Queue, cancellationToken)).MessageCount;
        await channel.BasicQosAsync(0, 1000, global: false, cancellationToken);
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        over.CancelAfter(time);
        long count = 0;
        var started = Stopwatch.GetTimestamp();
        AsyncEventingBasicConsumer consumer = new(channel);
        consumer.ReceivedAsync += async (_, message) =>
        {
            count++;
            if (count % ackEvery == 0)
            {
                await channel.BasicAckAsync(message.DeliveryTag, multiple: ackEvery > 1, CancellationToken.None);
            }

            if (count == waiting)
            {
                await over.CancelAsync();
            }
        };
        await channel.BasicConsumeAsync(Queue, autoAck: false, consumer, cancellationToken);
        await Task.Delay(Timeout.Infinite, over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return count / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    public async Task DeleteAsync(CancellationToken cancellationToken)
    {
        await using var connection = await servers.ConnectAsync(cancellationToken);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        await channel.QueueDeleteAsync(Queue, ifUnused: false, ifEmpty: false, noWait: false, cancellationToken);
    }
}

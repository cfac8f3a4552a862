using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Messaging;

/// <summary>Acknowledgements, which are sent late and together.</summary>
[Collection(AppCollection.Name)]
public sealed class AcknowledgementTests(AppFixture app)
{
    // So few that fewer than 32 acknowledgements are in progress at once. Of more, the broker may drop some when the channel closes
    // (rabbitmq-server issue 10327), and how many come back would be luck.
    private const int Messages = 30;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(1000)]
    public async Task Exactly_what_was_acknowledged_is_gone_whatever_the_order(ushort prefetch)
    {
        // Room for the others to come past them.
        var kept = Math.Min(3, prefetch - 1);
        ConnectionFactory factory = new() { Uri = app.Broker };
        var queue = $"tickets.acknowledged-{prefetch}";
        using BrokerPublisher publisher = new(factory, new LoopProgress(TimeProvider.System), NullLogger<BrokerPublisher>.Instance);
        using Taker taker = new(factory, publisher, queue, prefetch);
        await taker.StartAsync(Cancel);
        await Eventually.IsTrueAsync("It consumes", _limit, () => taker.IsReady);
        await using var connection = await factory.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true), Cancel);
        for (var i = 0; i < Messages; i++)
        {
            await channel.BasicPublishAsync("", queue, mandatory: true, new[] { (byte)i }, Cancel);
        }

        List<Delivery> left = [];
        for (var acknowledged = 0; acknowledged < Messages - kept;)
        {
            await Eventually.IsTrueAsync("A message", _limit, () => !taker.Taken.IsEmpty);
            Delivery[] taken = [.. taker.Take()];
            Random.Shared.Shuffle(taken);
            foreach (var delivery in taken)
            {
                if (delivery.Body.Span[0] % 8 == 3 && left.Count < kept)
                {
                    left.Add(delivery);
                }
                else
                {
                    delivery.Acknowledge();
                    acknowledged++;
                }
            }
        }

        await taker.StopAsync(Cancel);

        await Eventually.IsTrueAsync(
            "The rest is back", _limit, async () => (await channel.QueueDeclarePassiveAsync(queue, Cancel)).MessageCount == kept);
        Assert.All(left, delivery => Assert.True(delivery.IsLost));
        await channel.QueueDeleteAsync(queue, cancellationToken: Cancel);
    }

    private sealed class Taker(IConnectionFactory factory, BrokerPublisher publisher, string queue, ushort prefetch)
        : BrokerConsumer(factory, "test", publisher, new LoopProgress(TimeProvider.System), NullLogger.Instance)
    {
        public ConcurrentQueue<Delivery> Taken { get; } = [];

        protected override IReadOnlyList<Consumption> Queues { get; } = [new(queue, prefetch, () => true, Task.CompletedTask)];

        public IEnumerable<Delivery> Take()
        {
            while (Taken.TryDequeue(out var delivery))
            {
                yield return delivery;
            }
        }

        protected override ValueTask OnDeliveryAsync(Delivery delivery, CancellationToken lost)
        {
            Taken.Enqueue(delivery);
            return ValueTask.CompletedTask;
        }
    }
}

using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;
using TicketApp.Api.Completion;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Messaging;

/// <summary>Consumers of several queues, one of which the broker ends.</summary>
[Collection(AppCollection.Name)]
public sealed class ConsumerTests(AppFixture app)
{
    private const string Lost = "tickets.lost-consumer";
    private const string Kept = "tickets.kept-consumer";
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_consumer_that_the_broker_cancels_is_made_again_and_another_queue_keeps_its_messages()
    {
        ConnectionFactory factory = new() { Uri = app.Broker };
        using BrokerPublisher publisher = new(factory, new LoopProgress(TimeProvider.System), NullLogger<BrokerPublisher>.Instance);
        using Taker taker = new(factory, publisher);
        await taker.StartAsync(Cancel);
        await Eventually.IsTrueAsync("It consumes", _limit, () => taker.IsReady);
        await using var connection = await factory.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true), Cancel);
        await PublishAsync(channel, Kept);
        var kept = await TakeAsync(taker);

        // RabbitMQ then sends basic.cancel, as it does where a queue moves to another node or a message is held for too long.
        await channel.QueueDeleteAsync(Lost, cancellationToken: Cancel);
        await Eventually.IsTrueAsync("A consumer of a new queue", _limit, async () => await ConsumersAsync(connection) == 1);
        await PublishAsync(channel, Lost);
        var again = await TakeAsync(taker);

        Assert.Equal((Kept, false), (kept.Queue, kept.IsLost));
        Assert.Equal((Lost, false), (again.Queue, again.IsLost));
        Assert.Equal(0, taker.Restarts);
        await taker.StopAsync(Cancel);
        await channel.QueueDeleteAsync(Lost, cancellationToken: Cancel);
        await channel.QueueDeleteAsync(Kept, cancellationToken: Cancel);
    }

    /// <summary>The client's own limit ends a call as if it were cancelled.</summary>
    [Fact]
    public async Task A_broker_that_does_not_answer_is_a_failure_that_operators_know()
    {
        LogLines log = new();
        using Unanswered loop = new(new ConnectionFactory { Uri = app.Broker }, new LoggerFactory([log]).CreateLogger("test"));

        await loop.StartAsync(Cancel);
        await Eventually.IsTrueAsync("It failed", _limit, () => loop.Restarts > 0);

        Assert.Contains("the broker did not answer in time", Assert.Single(log.Lines), StringComparison.Ordinal);
        await loop.StopAsync(Cancel);
    }

    [Fact]
    public void It_is_known_whether_reports_wait_to_be_applied()
    {
        PendingReports pending = new();
        Assert.True(pending.IsEmpty);

        pending.Add(default);
        Assert.False(pending.IsEmpty);

        Assert.True(pending.Reader.TryRead(out _));
        Assert.True(pending.IsEmpty);
    }

    private static async Task PublishAsync(IChannel channel, string queue) =>
        await channel.BasicPublishAsync("", queue, mandatory: true, "x"u8.ToArray(), Cancel);

    private static async Task<Delivery> TakeAsync(Taker taker)
    {
        Delivery taken = default;
        await Eventually.IsTrueAsync("A message", _limit, () => taker.Taken.TryDequeue(out taken));
        return taken;
    }

    /// <summary>How many consume the queue; 0 also while it is not there.</summary>
    private static async Task<uint> ConsumersAsync(IConnection connection)
    {
        // An error ends the channel.
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        try
        {
            return (await channel.QueueDeclarePassiveAsync(Lost, Cancel)).ConsumerCount;
        }
        catch (RabbitMQ.Client.Exceptions.OperationInterruptedException)
        {
            return 0;
        }
    }

    private sealed class Taker(IConnectionFactory factory, BrokerPublisher publisher)
        : BrokerConsumer(factory, "test", publisher, new LoopProgress(TimeProvider.System), NullLogger.Instance)
    {
        public ConcurrentQueue<Delivery> Taken { get; } = [];

        protected override IReadOnlyList<Consumption> Queues { get; } =
            [new(Lost, 10, () => true, Task.CompletedTask), new(Kept, 10, () => true, Task.CompletedTask)];

        protected override ValueTask OnDeliveryAsync(Delivery delivery, CancellationToken lost)
        {
            Taken.Enqueue(delivery);
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Unanswered(IConnectionFactory factory, ILogger logger)
        : BrokerLoop(factory, "test", new LoopProgress(TimeProvider.System), logger)
    {
        public override bool DeclaresQueues => true;

        protected override Task WorkAsync(IConnection connection, Action working, CancellationToken lost) =>
            throw new TaskCanceledException();
    }
}

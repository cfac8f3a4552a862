using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RabbitMQ.Client;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Messaging;

/// <summary>
/// The queue of one model is there with other arguments, which RabbitMQ refuses by closing the channel, or does not answer. Nobody else
/// notices.
/// </summary>
[Collection(AppCollection.Name)]
public sealed class RefusedQueueTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_publisher_continues_with_the_others_and_takes_it_once_it_is_right()
    {
        ConnectionFactory factory = new() { Uri = app.Broker };
        await using var broken = await BrokenQueue.CreateAsync(factory);
        var sound = $"tickets.sound-{Guid.NewGuid():N}";
        using BrokerPublisher publisher = new(factory, new LoopProgress(TimeProvider.System), NullLogger<BrokerPublisher>.Instance);
        await publisher.StartAsync(Cancel);
        await Eventually.IsTrueAsync("It is ready", _limit, () => publisher.IsReady);

        for (var i = 0; i < 20; i++)
        {
            var refused = publisher.PublishAsync(broken.Name, new byte[] { 1 }, cancellationToken: Cancel);
            await publisher.PublishAsync(sound, new byte[] { 2 }, cancellationToken: Cancel);
            await Assert.ThrowsAsync<BrokerUnavailableException>(() => refused);
        }

        Assert.Equal((true, 0), (publisher.IsReady, publisher.Restarts));
        Assert.Equal([broken.Name], publisher.RefusedQueues);
        await Eventually.IsTrueAsync("All others are there", _limit, async () => await broken.MessagesInAsync(sound) == 20);

        await broken.DeleteAsync();
        await Eventually.IsTrueAsync("It takes messages", _limit, async () =>
        {
            try
            {
                await publisher.PublishAsync(broken.Name, new byte[] { 3 }, cancellationToken: Cancel);
                return true;
            }
            catch (BrokerUnavailableException)
            {
                return false;
            }
        });
        Assert.Empty(publisher.RefusedQueues);
        Assert.Equal(0, publisher.Restarts);
        await publisher.StopAsync(Cancel);
        await broken.DeleteAsync(sound);
    }

    /// <summary>As one without a leader: the broker holds up the channel that the message came over.</summary>
    [Fact]
    public async Task Publisher_and_consumer_continue_with_the_others_while_one_does_not_answer()
    {
        var (silent, sound) = ($"tickets.silent-{Guid.NewGuid():N}", $"tickets.sound-{Guid.NewGuid():N}");
        ConnectionFactory factory = new() { Uri = app.Broker };
        using BrokerPublisher publisher = new(factory, new LoopProgress(TimeProvider.System), NullLogger<BrokerPublisher>.Instance)
        {
            MaxWait = TimeSpan.FromSeconds(5),
        };
        await publisher.StartAsync(Cancel);
        await Eventually.IsTrueAsync("It is ready", _limit, () => publisher.IsReady);
        await publisher.PrepareAsync(silent);
        await publisher.PublishAsync(sound, new byte[] { 1 }, cancellationToken: Cancel);
        await app.RabbitmqctlAsync("eval", $"sys:suspend(whereis('%2F_{silent}')).");

        using Taker taker = new(factory, publisher, silent, sound);
        try
        {
            // More than the broker reads ahead for a channel.
            var given = Task.WhenAll(Enumerable.Range(0, 500).Select(_ => Assert.ThrowsAsync<BrokerUnavailableException>(() =>
                publisher.PublishAsync(silent, new byte[] { 2 }, cancellationToken: Cancel))));
            while (!given.IsCompleted)
            {
                await publisher.PublishAsync(sound, new byte[] { 3 }, cancellationToken: Cancel);
            }

            await given;
            Assert.Equal([silent], publisher.RefusedQueues);
            var next = publisher.PublishAsync(silent, new byte[] { 4 }, cancellationToken: Cancel);
            Assert.True(next.IsFaulted);
            await Assert.ThrowsAsync<BrokerUnavailableException>(() => next);
            await taker.StartAsync(Cancel);
            await Eventually.IsTrueAsync("What is in the other queue comes", _limit, () => taker.Taken.Contains(sound));
        }
        finally
        {
            await app.RabbitmqctlAsync("eval", $"sys:resume(whereis('%2F_{silent}')).");
        }

        await Eventually.IsTrueAsync("It has answered", _limit, () => !publisher.RefusedQueues.Any());
        await publisher.PublishAsync(silent, new byte[] { 5 }, cancellationToken: Cancel);
        await Eventually.IsTrueAsync("It is consumed", _limit, () => taker.IsReady && taker.Taken.Contains(silent));
        Assert.Equal((true, 0, 0), (publisher.IsReady, publisher.Restarts, taker.Restarts));
        await taker.StopAsync(Cancel);
        await publisher.StopAsync(Cancel);
    }

    [Fact]
    public async Task A_consumer_continues_with_the_others_and_takes_it_once_it_is_right()
    {
        ConnectionFactory factory = new() { Uri = app.Broker };
        await using var broken = await BrokenQueue.CreateAsync(factory);
        var sound = $"tickets.sound-{Guid.NewGuid():N}";
        using BrokerPublisher publisher = new(factory, new LoopProgress(TimeProvider.System), NullLogger<BrokerPublisher>.Instance);
        using Taker taker = new(factory, publisher, broken.Name, sound);
        await publisher.StartAsync(Cancel);
        await taker.StartAsync(Cancel);
        await Eventually.IsTrueAsync("Both are ready", _limit, () => publisher.IsReady && taker.IsReady);

        await publisher.PublishAsync(sound, new byte[] { 1 }, cancellationToken: Cancel);
        await Eventually.IsTrueAsync("What is in the other queue comes", _limit, () => taker.Taken.Contains(sound));
        Assert.Equal(0, taker.Restarts);
        Assert.Equal([broken.Name], taker.RefusedQueues);

        await broken.DeleteAsync();
        await Eventually.IsTrueAsync("It is consumed", _limit, async () =>
            !taker.RefusedQueues.Any() && await broken.ConsumersOfAsync(broken.Name) == 1);
        await publisher.PublishAsync(broken.Name, new byte[] { 2 }, cancellationToken: Cancel);
        await Eventually.IsTrueAsync("What is in it comes", _limit, () => taker.Taken.Contains(broken.Name));
        Assert.Equal(0, taker.Restarts);
        await taker.StopAsync(Cancel);
        await publisher.StopAsync(Cancel);
        await broken.DeleteAsync(sound);
        await broken.DeleteAsync();
    }

    [Fact]
    public async Task Its_tickets_wait_and_are_tried_now_and_then_while_the_tickets_of_other_models_run()
    {
        TestModel model = new((_, _) => Task.FromResult("at last"));
        await using var broken = await BrokenQueue.CreateAsync(new ConnectionFactory { Uri = app.Broker }, $"tickets.{model.Name}");
        await using var worker = await TestWorker.StartAsync(app, model);
        var user = await app.CreateUserAsync();
        string[] waiting = [await app.CreateTicketAsync(user, model.Name), await app.CreateTicketAsync(user, model.Name)];
        await Eventually.IsTrueAsync("Health tells of it", _limit, async () =>
        {
            using var health = await app.Api.GetAsync("/health", Cancel);
            Assert.Equal(HttpStatusCode.OK, health.StatusCode);
            return (await health.Content.ReadAsStringAsync(Cancel)).Contains("Degraded", StringComparison.Ordinal);
        });
        for (var i = 0; i < 20; i++)
        {
            await app.FinishAsync(await app.CreateTicketAsync(user));
        }

        await using var database = NpgsqlDataSource.Create(app.Database);
        await using var dispatches = database.CreateCommand("select max(epoch), max(attempt)::int from tickets where model = $1");
        dispatches.Parameters.AddWithValue(model.Name);
        await using (var reader = await dispatches.ExecuteReaderAsync(Cancel))
        {
            await reader.ReadAsync(Cancel);
            Assert.InRange(reader.GetInt32(0), 1, 20);
            Assert.InRange(reader.GetInt32(1), 0, 1);
        }

        await broken.DeleteAsync();
        foreach (var ticket in waiting)
        {
            Assert.Equal("at last", await app.FinishAsync(ticket));
        }
    }

    /// <summary>A queue that is not what a model's queue should be.</summary>
    private sealed class BrokenQueue(IConnection connection, string name) : IAsyncDisposable
    {
        public string Name => name;

        public static async Task<BrokenQueue> CreateAsync(ConnectionFactory factory, string? name = null)
        {
            BrokenQueue queue = new(await factory.CreateConnectionAsync(Cancel), name ?? $"tickets.broken-{Guid.NewGuid():N}");
            await queue.OnChannelAsync(channel =>
                channel.QueueDeclareAsync(queue.Name, durable: true, exclusive: false, autoDelete: false, cancellationToken: Cancel));
            return queue;
        }

        public Task<uint> DeleteAsync() => DeleteAsync(name);

        public Task<uint> DeleteAsync(string queue) =>
            OnChannelAsync(channel => channel.QueueDeleteAsync(queue, cancellationToken: Cancel));

        public Task<uint> MessagesInAsync(string queue) => OnChannelAsync(channel => channel.MessageCountAsync(queue, Cancel));

        public async Task<uint> ConsumersOfAsync(string queue)
        {
            try
            {
                return await OnChannelAsync(channel => channel.ConsumerCountAsync(queue, Cancel));
            }
            catch (RabbitMQ.Client.Exceptions.OperationInterruptedException)
            {
                // It is not there.
                return 0;
            }
        }

        public ValueTask DisposeAsync() => connection.DisposeAsync();

        private async Task<T> OnChannelAsync<T>(Func<IChannel, Task<T>> work)
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
            return await work(channel);
        }
    }

    private sealed class Taker(IConnectionFactory factory, BrokerPublisher publisher, params string[] queues)
        : BrokerConsumer(factory, "test", publisher, new LoopProgress(TimeProvider.System), NullLogger.Instance)
    {
        public ConcurrentQueue<string> Taken { get; } = [];

        protected override IReadOnlyList<Consumption> Queues { get; } =
            [.. queues.Select(queue => new Consumption(queue, 10, () => true, Task.CompletedTask))];

        protected override ValueTask OnDeliveryAsync(Delivery delivery, CancellationToken lost)
        {
            delivery.Acknowledge();
            Taken.Enqueue(delivery.Queue);
            return ValueTask.CompletedTask;
        }
    }
}

using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Telemetry;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Dispatch;

/// <summary>How dispatched tickets reach the broker, and what becomes of those that it does not take.</summary>
[Collection(AppCollection.Name)]
public sealed class TicketPublisherTests(AppFixture app) : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);
    private static readonly IOptions<DispatchOptions> _options = Options.Create(new DispatchOptions());

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().AddSingleton<TicketMetrics>().BuildServiceProvider();
    private readonly DispatchWindows _windows = new(_options, TimeProvider.System);
    private readonly RunTimes _runTimes = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync() => await _services.DisposeAsync();

    [Theory]
    // Long runs: a message each. Short ones: a message for each worker, of sixteen at most.
    [InlineData(false, 4, 1, "1 1 1 1")]
    [InlineData(true, 4, 1, "4")]
    [InlineData(true, 10, 2, "5 5")]
    [InlineData(true, 10, 0, "10")]
    [InlineData(true, 3, 9, "1 1 1")]
    [InlineData(true, 40, 1, "16 16 8")]
    public async Task Short_runs_share_messages_and_every_worker_gets_one(bool areShort, int tickets, int workers, string sizes)
    {
        var model = Model();
        _runTimes.Of(model).Add(areShort ? 1 : 1000);
        _windows.Of(model).Refresh(new(InFlight: 0, Slots: 99, workers, Replicas: 1, HasBacklog: false));

        var messages = await PublishAsync([.. Enumerable.Range(0, tickets).Select(i => Ticket(model, $"{i}"))]);

        Assert.Equal(sizes.Split(' ').Select(int.Parse).Order(), messages.Select(message => message.Length).Order());
        Assert.Equal(
            Enumerable.Range(0, tickets).Select(i => $"{i}").Order(),
            messages.SelectMany(message => message).Select(ticket => ticket.Input?.Text).Order());
    }

    [Theory]
    [InlineData(400_000, "1 2")]
    [InlineData(500_000, "1 2")]
    [InlineData(500_001, "1 1 1")]
    public async Task Large_inputs_share_no_more_than_a_message_may_hold(int characters, string sizes)
    {
        var model = Model();
        _runTimes.Of(model).Add(1);

        var messages = await PublishAsync([.. Enumerable.Range(0, 3).Select(_ => Ticket(model, new('x', characters)))]);

        Assert.Equal(sizes, string.Join(' ', messages.Select(message => message.Length).Order()));
    }

    [Fact]
    public async Task What_the_broker_does_not_take_waits_in_the_backlog_again_and_frees_the_window()
    {
        await using var ticket = await ScratchTicket.CreateAsync(app);
        var window = _windows.Of(ModelNames.Simulated);
        window.Refresh(new(InFlight: 0, Slots: 10, Workers: 1, Replicas: 1, HasBacklog: false));
        var available = window.Available;
        Assert.Equal(1, window.TryAcquire(1));
        window.Committed(1);
        // Not started: it has no connection.
        using var broker = Broker();
        var publisher = Publisher(broker, ticket.Database);

        publisher.Publish([await ticket.DispatchAsync()]);
        await publisher.StopAsync(Cancel);

        Assert.Equal("queued 0", await ticket.ColumnsAsync("status, attempt"));
        Assert.Equal((available, true), (window.Available, window.HasBacklog));
        // It is tried with one at a time, after a pause.
        Assert.Equal(0, window.AcquireForBacklog(5));
    }

    private static string Model() => $"published-{Guid.NewGuid():N}";

    private static TicketMessage Ticket(string model, string input) => new()
    {
        TicketId = Guid.CreateVersion7(),
        UserId = Guid.CreateVersion7(),
        Model = model,
        Input = input,
        Attempt = 1,
        Epoch = 1,
        Deadline = DateTimeOffset.UtcNow.AddMinutes(5),
        StartWithinSeconds = 25,
    };

    private BrokerPublisher Broker() => new(
        new ConnectionFactory { Uri = app.ApiBroker }, new LoopProgress(TimeProvider.System), NullLogger<BrokerPublisher>.Instance);

    private TicketPublisher Publisher(BrokerPublisher broker, ScratchDatabase database) => new(
        broker,
        new(database.Source, _options, Options.Create(new LimitOptions())),
        _windows,
        _runTimes,
        _services.GetRequiredService<TicketMetrics>(),
        _options,
        NullLogger<TicketPublisher>.Instance);

    /// <summary>Publishes tickets of one model and takes them from its queue.</summary>
    private async Task<IReadOnlyList<TicketMessage[]>> PublishAsync(TicketMessage[] tickets)
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        using var broker = Broker();
        await broker.StartAsync(Cancel);
        await Eventually.IsTrueAsync("The broker", _limit, () => broker.IsReady);
        var publisher = Publisher(broker, database);
        publisher.Publish(tickets);
        await publisher.StopAsync(Cancel);
        await broker.StopAsync(Cancel);

        await using var connection = await new ConnectionFactory { Uri = app.Broker }.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        ConcurrentQueue<TicketMessage[]> messages = [];
        AsyncEventingBasicConsumer consumer = new(channel);
        consumer.ReceivedAsync += (_, message) =>
        {
            messages.Enqueue([.. MessageReader.ReadTickets(message.Body.ToArray()).Select(element => element.Value!)]);
            return Task.CompletedTask;
        };
        var queue = QueueNames.TicketsOf(tickets[0].Model);
        await channel.BasicConsumeAsync(queue, autoAck: true, consumer, Cancel);
        await Eventually.IsTrueAsync("All tickets", _limit, () => messages.Sum(message => message.Length) == tickets.Length);
        await channel.QueueDeleteAsync(queue, cancellationToken: Cancel);
        return [.. messages];
    }
}

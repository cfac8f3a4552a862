using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using RabbitMQ.Client;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Conformance;

/// <summary>What came from a worker: a report, or a message in <c>errors</c>. All are as their schemas say.</summary>
internal sealed record Told(string Queue, JsonElement Json)
{
    public string Type => Text("type") ?? "finished";

    public string? Text(string member) => Json.TryGetProperty(member, out var value) ? value.GetString() : null;

    public int? Number(string member) => Json.TryGetProperty(member, out var value) ? value.GetInt32() : null;

    public bool IsOf(TicketMessage ticket) => Text("ticket_id") == ticket.TicketId.ToString() && Number("epoch") == ticket.Epoch;

    public bool Names(TicketMessage ticket) =>
        Json.TryGetProperty("runs", out var runs) && runs.EnumerateArray().Any(run => new Told(Queue, run).IsOf(ticket));
}

/// <summary>Plays the API on a virtual host: sends tickets, and keeps what a worker says.</summary>
internal sealed class ConformanceBroker : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private readonly ConnectionFactory _factory;
    private readonly BrokerPublisher _publisher;
    private readonly BrokerPublisher _passive;
    private readonly Taker _taker;

    public ConformanceBroker(Uri virtualHost)
    {
        _factory = new() { Uri = virtualHost, AutomaticRecoveryEnabled = false };
        _publisher = new(_factory, new LoopProgress(TimeProvider.System), NullLogger<BrokerPublisher>.Instance);
        // It declares nothing, since "errors" has arguments of its own.
        _passive = new(
            _factory, new LoopProgress(TimeProvider.System), NullLogger<BrokerPublisher>.Instance, new BrokerRole(DeclaresQueues: false));
        _taker = new(_factory, _passive);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>All that came.</summary>
    public IReadOnlyList<Told> All
    {
        get
        {
            Assert.Empty(_taker.Defects);
            return [.. _taker.Told];
        }
    }

    public async Task StartAsync()
    {
        await _publisher.StartAsync(CancellationToken.None);
        await _taker.StartAsync(CancellationToken.None);
        await WhenReadyAsync();
    }

    /// <summary>Ends once it is connected.</summary>
    public Task WhenReadyAsync() => Eventually.IsTrueAsync("The broker", _limit, () => _publisher.IsReady && _taker.IsReady);

    /// <summary>Sends tickets in one message.</summary>
    public Task SendAsync(params IReadOnlyList<TicketMessage> tickets) => SendAsync(tickets is [var only]
        ? ContractJson.Serialize(only, ContractJson.Default.TicketMessage)
        : ContractJson.Serialize(tickets, ContractJson.Default.IReadOnlyListTicketMessage));

    /// <summary>Sends any message to the queue of tickets.</summary>
    public Task SendAsync(ReadOnlyMemory<byte> message) => _publisher.PublishAsync(QueueNames.Tickets, message, cancellationToken: Cancel);

    /// <summary>Says that a run is not wanted.</summary>
    public Task CancelAsync(TicketMessage ticket) => TellAsync(ContractJson.Serialize(
        new() { Runs = [new(ticket.TicketId, ticket.Epoch)], RememberSeconds = 30 }, ContractJson.Default.CancellationMessage));

    /// <summary>Says anything to all workers.</summary>
    public Task TellAsync(ReadOnlyMemory<byte> message) => _publisher.BroadcastAsync(QueueNames.Control, message, Cancel);

    /// <summary>Deletes the exchange of cancellations, with all that is bound to it, and makes it again.</summary>
    public async Task DeleteBindingsAsync()
    {
        await using var connection = await _factory.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        await channel.ExchangeDeleteAsync(QueueNames.Control, cancellationToken: Cancel);
        await channel.ExchangeDeclareAsync(QueueNames.Control, ExchangeType.Fanout, durable: true, cancellationToken: Cancel);
    }

    /// <summary>Takes the ticket before the worker does, and is gone: the broker delivers it again.</summary>
    public async Task SendRedeliveredAsync(TicketMessage ticket)
    {
        await using var connection = await _factory.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        TaskCompletionSource taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
        RabbitMQ.Client.Events.AsyncEventingBasicConsumer consumer = new(channel);
        consumer.ReceivedAsync += (_, _) =>
        {
            taken.TrySetResult();
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(
            QueueNames.Tickets,
            autoAck: false,
            consumerTag: "",
            noLocal: false,
            exclusive: false,
            arguments: new Dictionary<string, object?> { ["x-priority"] = 10 },
            consumer,
            Cancel);
        await SendAsync(ticket);
        await taken.Task.WaitAsync(_limit, Cancel);
    }

    /// <summary>How many tickets are with no worker.</summary>
    public async Task<uint> WaitingAsync()
    {
        await using var connection = await _factory.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        return (await channel.QueueDeclarePassiveAsync(QueueNames.Tickets, Cancel)).MessageCount;
    }

    /// <summary>The first report of that type about a ticket.</summary>
    public Task<Told> ReportAsync(TicketMessage ticket, string type) =>
        FirstAsync($"A report {type} of {ticket.TicketId}", told => told.IsOf(ticket) && told.Type == type);

    /// <summary>The first that came, or comes, and is as wanted.</summary>
    public Task<Told> FirstAsync(string what, Func<Told, bool> isWanted) =>
        Eventually.GetAsync(what, _limit, () => Task.FromResult(All.FirstOrDefault(isWanted)));

    /// <summary>The types of all reports about a ticket under its epoch, but for progress.</summary>
    public string[] TypesOf(TicketMessage ticket) =>
        [.. All.Where(told => told.IsOf(ticket) && told.Type != "progress").Select(told => told.Type)];

    public async ValueTask DisposeAsync()
    {
        await _taker.StopAsync(CancellationToken.None);
        await _publisher.StopAsync(CancellationToken.None);
        _taker.Dispose();
        _publisher.Dispose();
        _passive.Dispose();
    }

    private sealed class Taker(IConnectionFactory factory, BrokerPublisher publisher)
        : BrokerConsumer(factory, "test", publisher, new LoopProgress(TimeProvider.System), NullLogger.Instance)
    {
        public ConcurrentQueue<Told> Told { get; } = [];

        public ConcurrentQueue<string> Defects { get; } = [];

        protected override IReadOnlyList<Consumption> Queues { get; } =
        [
            new(QueueNames.Responses, 100, () => true, Task.CompletedTask),
            new(QueueNames.Errors, 100, () => true, Task.CompletedTask),
        ];

        protected override ValueTask OnDeliveryAsync(Delivery delivery, CancellationToken lost)
        {
            try
            {
                Keep(delivery);
            }
            catch (JsonException exception)
            {
                Defects.Enqueue($"{exception.Message}: {Encoding.UTF8.GetString(delivery.Body.Span)}");
            }

            delivery.Acknowledge();
            return ValueTask.CompletedTask;
        }

        private void Keep(Delivery delivery)
        {
            var schema = delivery.Queue == QueueNames.Errors ? ContractSchemas.Error : ContractSchemas.Report;
            Utf8JsonReader reader = new(delivery.Body.Span);
            var message = JsonElement.ParseValue(ref reader);
            foreach (var defect in schema.Defects(message))
            {
                Defects.Enqueue(defect);
            }

            foreach (var element in MessageReader.ReadReports(delivery.Body).Where(_ => delivery.Queue == QueueNames.Responses))
            {
                if (element.Defect is { } defect)
                {
                    Defects.Enqueue(defect);
                }
            }

            foreach (var told in message.ValueKind == JsonValueKind.Array ? message.EnumerateArray().ToArray() : [message])
            {
                Told.Enqueue(new(delivery.Queue, told));
            }
        }
    }
}

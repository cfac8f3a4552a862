using System.Collections.Concurrent;
using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using TicketApp.Api.Waiting;
using TicketApp.Messaging;

namespace TicketApp.Tests.Fixtures;

/// <summary>Another replica, which a test speaks for.</summary>
internal sealed class OtherReplica(IConnection connection, IChannel channel) : IAsyncDisposable
{
    private readonly Guid _replica = Guid.NewGuid();
    private IChannel _channel = channel;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>What the replicas said.</summary>
    public ConcurrentQueue<TicketNewsMessage> Heard { get; } = [];

    public static async Task<OtherReplica> StartAsync(RunningApp app)
    {
        var connection = await new ConnectionFactory { Uri = app.Broker }.CreateConnectionAsync(Cancel);
        OtherReplica other = new(connection, await connection.CreateChannelAsync(cancellationToken: Cancel));
        var channel = other._channel;
        await channel.ExchangeDeclareAsync(QueueNames.News, ExchangeType.Fanout, durable: true, cancellationToken: Cancel);
        var queue = (await channel.QueueDeclareAsync(cancellationToken: Cancel)).QueueName;
        await channel.QueueBindAsync(queue, QueueNames.News, "", cancellationToken: Cancel);
        AsyncEventingBasicConsumer consumer = new(channel);
        consumer.ReceivedAsync += (_, message) =>
        {
            if (message.Body.Span.IndexOf("\"tickets\":["u8) >= 0)
            {
                other.Heard.Enqueue(JsonSerializer.Deserialize(message.Body.Span, WaitingJson.Default.TicketNewsMessage)!);
            }

            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(queue, autoAck: true, consumer, Cancel);
        return other;
    }

    public Task TellAsync(long number, params Guid[] tickets) => PublishAsync(JsonSerializer.SerializeToUtf8Bytes(
        new() { Replica = _replica, Number = number, Tickets = tickets }, WaitingJson.Default.TicketNewsMessage));

    public async Task PublishAsync(byte[] body) => await _channel.BasicPublishAsync(QueueNames.News, "", body, Cancel);

    public Task DeleteExchangeAsync() => _channel.ExchangeDeleteAsync(QueueNames.News, cancellationToken: Cancel);

    public async Task ReopenAsync() => _channel = await connection.CreateChannelAsync(cancellationToken: Cancel);

    public async ValueTask DisposeAsync()
    {
        await _channel.DisposeAsync();
        await connection.DisposeAsync();
    }
}

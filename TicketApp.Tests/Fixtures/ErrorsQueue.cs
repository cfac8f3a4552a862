using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace TicketApp.Tests.Fixtures;

/// <summary>Reads the errors queue of a running application and keeps what came.</summary>
public sealed class ErrorsQueue : IAsyncDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private readonly IConnection _connection;
    private readonly ConcurrentQueue<string> _messages = [];

    private ErrorsQueue(IConnection connection) => _connection = connection;

    public static async Task<ErrorsQueue> OpenAsync(Uri broker, CancellationToken cancellationToken)
    {
        var connection = await new ConnectionFactory { Uri = broker }.CreateConnectionAsync(cancellationToken);
        var queue = new ErrorsQueue(connection);
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        var consumer = new AsyncEventingBasicConsumer(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            queue._messages.Enqueue(Encoding.UTF8.GetString(delivery.Body.Span));
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync("errors", autoAck: true, consumer, cancellationToken);
        return queue;
    }

    /// <summary>The first message about that ticket, once it has come.</summary>
    public Task<string> OfAsync(string ticketId) =>
        Eventually.GetAsync($"A message about ticket {ticketId} in errors", _limit, () => Task.FromResult(Of(ticketId).FirstOrDefault()));

    /// <summary>All that came so far.</summary>
    public IEnumerable<string> All => _messages;

    public int CountOf(string ticketId) => Of(ticketId).Count();

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private IEnumerable<string> Of(string ticketId) => _messages.Where(message => TicketIdOf(message) == ticketId);

    private static string? TicketIdOf(string message)
    {
        try
        {
            return JsonNode.Parse(message)?["ticket_id"]?.ToString();
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }
}

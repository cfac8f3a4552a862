using System.Collections.Concurrent;
using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;
using TicketApp.Messaging;

namespace TicketApp.Worker.Runs;

/// <summary>Hears which runs are not wanted any more, stops them, and remembers them for those whose messages are still to come.</summary>
internal sealed partial class CancellationListener(ActiveRuns runs, TimeProvider time, ILogger<CancellationListener> logger)
{
    private const int MaxMemory = 3600;

    private static readonly TimeSpan _bindInterval = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<RunReference, DateTimeOffset> _remembered = new();
    private IConnection? _connection;
    private string _queue = "";

    /// <summary>Whether a run is not wanted.</summary>
    public bool Contains(RunReference run) => _remembered.TryGetValue(run, out var until) && until > time.GetUtcNow();

    /// <summary>
    /// Listens on <paramref name="connection"/>, on a queue that is gone with it. If listening ends by itself, so does the connection.
    /// </summary>
    public async Task<IChannel> ListenAsync(IConnection connection, CancellationToken cancellationToken)
    {
        var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        var queue = await channel.QueueDeclareAsync(
            queue: "", durable: false, exclusive: true, autoDelete: true, cancellationToken: cancellationToken);
        await channel.QueueBindAsync(queue.QueueName, QueueNames.Control, routingKey: "", cancellationToken: cancellationToken);
        AsyncEventingBasicConsumer consumer = new(channel);
        consumer.ReceivedAsync += (_, message) =>
        {
            Hear(message.Body.Span);
            return Task.CompletedTask;
        };
        consumer.UnregisteredAsync += (_, _) =>
            connection.IsOpen && !cancellationToken.IsCancellationRequested ? connection.AbortAsync() : Task.CompletedTask;
        await channel.BasicConsumeAsync(queue.QueueName, autoAck: true, consumer, cancellationToken);
        (_connection, _queue) = (connection, queue.QueueName);
        return channel;
    }

    /// <summary>Binds the queue now and then: with the exchange, somebody may have deleted its binding.</summary>
    public async Task KeepBoundAsync(CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(_bindInterval);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                await using var channel = await _connection!.CreateChannelAsync(cancellationToken: cancellationToken);
                await channel.QueueBindAsync(_queue, QueueNames.Control, routingKey: "", cancellationToken: cancellationToken);
            }
            catch (Exception exception) when (exception is RabbitMQClientException or IOException or TimeoutException)
            {
                // The exchange is not there, and an API declares it soon; or the connection is lost, which others notice.
            }
        }
    }

    /// <summary>Takes a notice.</summary>
    public void Hear(ReadOnlySpan<byte> body)
    {
        CancellationMessage? message;
        try
        {
            message = JsonSerializer.Deserialize(body, ContractJson.Default.CancellationMessage);
        }
        catch (JsonException exception)
        {
            Log.Unreadable(logger, exception.Message);
            return;
        }

        var now = time.GetUtcNow();
        foreach (var run in message?.Runs ?? [])
        {
            // Remembered first: what is taken in between looks here.
            _remembered[run] = now.AddSeconds(Math.Clamp(message!.RememberSeconds, 0, MaxMemory));
            if (runs.Find(run)?.Stop() == true)
            {
                Log.Stopped(logger, run.TicketId);
            }
        }

        foreach (var (run, until) in _remembered)
        {
            if (until <= now)
            {
                _remembered.TryRemove(run, out _);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Debug, Message = "Ticket {TicketId} is not wanted any more; its run is told to stop")]
        public static partial void Stopped(ILogger logger, Guid ticketId);

        [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "A notice to stop runs could not be read: {Reason}")]
        public static partial void Unreadable(ILogger logger, string reason);
    }
}

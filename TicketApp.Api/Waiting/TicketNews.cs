using System.Collections.Concurrent;
using System.Text.Json;
using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Waiting;

/// <summary>What one replica tells the others: which tickets it has changed. Without any it says that the replica lives.</summary>
internal sealed record TicketNewsMessage
{
    /// <summary>The replica.</summary>
    public required Guid Replica { get; init; }

    /// <summary>Grows by one with each message; by more where something could not be told.</summary>
    public required long Number { get; init; }

    /// <summary>The tickets. Their changes are committed.</summary>
    public required IReadOnlyCollection<Guid> Tickets { get; init; }

    /// <summary>Those of them that have just succeeded, with what callers ask for, where that is short; null: none.</summary>
    public IReadOnlyList<TicketSummary>? Succeeded { get; init; }
}

/// <summary>
/// Tells the other replicas which tickets this one has changed, and hears the same from them. Each replica has a queue of its own behind a
/// fanout exchange. Messages are transient and unconfirmed: who misses one sees it by the number of the next, and asks the database. It has
/// a connection of its own, so that a broker that refuses this refuses nothing else. Alone, a replica tells nothing. Short answers are told
/// too: most callers ask within milliseconds, of any replica, and would else each cost a look into the database.
/// </summary>
internal sealed partial class TicketNews(
    IConnectionFactory factory,
    DispatchWindows windows,
    NewsSources sources,
    TicketPoller poller,
    SucceededTickets succeeded,
    LoopProgress progress,
    ILogger<TicketNews> logger)
    : BrokerLoop(factory, "news of tickets", progress, logger), ITicketObserver, IStopsInPhase
{
    private const int MaxTickets = 1000;
    private const int MaxPending = 20_000;

    // Of a response, and of those that share a message. A longer one is read where it is asked for.
    private const int MaxResponse = 1000;
    private const int MaxCharacters = 100_000;

    // Who asks for an answer that is older has asked the database, and the ticket may be removed by now.
    private const long MaxAnswerAge = 1000;

    // Of a replica that does not take them; what is dropped shows by the numbers.
    private const int MaxQueued = 1000;
    private const int MaxQueuedBytes = 16 * 1024 * 1024;

    private static readonly TimeSpan _helloInterval = TimeSpan.FromSeconds(2);

    // The first change is told at once, those that follow share a message: so many replicas cost each other little.
    private static readonly TimeSpan _linger = TimeSpan.FromMilliseconds(10);

    private readonly Guid _replica = Guid.CreateVersion7();
    private readonly Signal _wake = new();
    private readonly Channel<Change> _pending = Channel.CreateBounded<Change>(MaxPending);

    private long _number;

    /// <inheritdoc/>
    public override bool DeclaresQueues => true;

    /// <summary>After what changes tickets.</summary>
    public StopPhase StopPhase => StopPhase.Connections;

    /// <inheritdoc/>
    public TimeSpan StopLimit => TimeSpan.FromSeconds(3);

    // A replica that does not know yet whether there are others tells them.
    private bool IsAlone => windows.Replicas == 1;

    public void OnChanged(Guid ticketId) => Tell(ticketId, null);

    public void OnEnded(IReadOnlyList<EndedTicket> tickets)
    {
        foreach (var (ticket, _, _) in tickets)
        {
            Tell(ticket.TicketId, ticket is { Status: TicketStatus.Succeeded, Response.Length: <= MaxResponse } ? ticket : null);
        }
    }

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    private void Tell(Guid ticketId, TicketSummary? answered)
    {
        if (IsAlone)
        {
            // Another that this replica has not heard of yet sees by the number that it missed something.
            Interlocked.Increment(ref _number);
            return;
        }

        // Answers are not kept for a broker that is away.
        if (!_pending.Writer.TryWrite(new(ticketId, IsReady ? answered : null, Environment.TickCount64)))
        {
            // Full: others see by the number that they miss something.
            Interlocked.Increment(ref _number);
        }

        _wake.Set();
    }

    protected override async Task WorkAsync(IConnection connection, Action working, CancellationToken lost)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(lost);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: lost);
        channel.ChannelShutdownAsync += (_, _) => ended.CancelAsync();
        var queue = QueueNames.NewsOf(Guid.NewGuid());
        await channel.QueueDeclareAsync(
            queue, durable: false, exclusive: true, autoDelete: true,
            new Dictionary<string, object?> { ["x-max-length"] = MaxQueued, ["x-max-length-bytes"] = MaxQueuedBytes },
            cancellationToken: lost);
        AsyncEventingBasicConsumer consumer = new(channel);
        consumer.UnregisteredAsync += (_, _) => ended.CancelAsync();
        consumer.ReceivedAsync += (_, message) =>
        {
            Hear(message.Body.Span);
            return Task.CompletedTask;
        };
        try
        {
            await BindAsync(channel, queue, lost);
            await channel.BasicConsumeAsync(queue, autoAck: true, consumer, lost);
            working();
            await TellAsync(channel, queue, ended.Token);
        }
        catch (OperationCanceledException) when (!lost.IsCancellationRequested)
        {
            throw new BrokerUnavailableException($"the broker ended the channel: {channel.CloseReason?.ReplyText}");
        }
        finally
        {
            sources.Forget();
        }
    }

    /// <summary>Again with each sign of life: somebody may have deleted the exchange, and with it the binding.</summary>
    private static async Task BindAsync(IChannel channel, string queue, CancellationToken cancellationToken)
    {
        await channel.ExchangeDeclareAsync(QueueNames.News, ExchangeType.Fanout, durable: true, cancellationToken: cancellationToken);
        await channel.QueueBindAsync(queue, QueueNames.News, routingKey: "", cancellationToken: cancellationToken);
    }

    private async Task TellAsync(IChannel channel, string queue, CancellationToken ended)
    {
        // What was not told while there was no connection, and what went lost with the one before, shows by this.
        Interlocked.Increment(ref _number);
        var nextHello = 0L;
        while (true)
        {
            // Of a ticket that succeeded and was removed at once, only the last counts.
            Dictionary<Guid, TicketSummary?> tickets = [];
            var characters = 0;
            while (tickets.Count < MaxTickets && characters < MaxCharacters && _pending.Reader.TryRead(out var change))
            {
                tickets[change.TicketId] = Environment.TickCount64 - change.Told < MaxAnswerAge ? change.Answered : null;
                characters += change.Answered?.Response?.Length ?? 0;
            }

            var isHello = Environment.TickCount64 >= nextHello;
            if (isHello)
            {
                await BindAsync(channel, queue, ended);
                nextHello = Environment.TickCount64 + (long)_helloInterval.TotalMilliseconds;
            }

            if (!IsAlone && (isHello || tickets.Count > 0))
            {
                TicketNewsMessage message = new()
                {
                    Replica = _replica,
                    Number = Interlocked.Increment(ref _number),
                    Tickets = tickets.Keys,
                    Succeeded = [.. tickets.Values.OfType<TicketSummary>()],
                };
                await channel.BasicPublishAsync(
                    QueueNames.News, routingKey: "", mandatory: false, new BasicProperties { ContentType = "application/json" },
                    JsonSerializer.SerializeToUtf8Bytes(message, WaitingJson.Default.TicketNewsMessage), ended);
                await Task.Delay(_linger, ended);
            }

            if (!_pending.Reader.TryPeek(out _))
            {
                await _wake.WaitAsync(TimeSpan.FromMilliseconds(Math.Max(0, nextHello - Environment.TickCount64)), ended);
            }
        }
    }

    private void Hear(ReadOnlySpan<byte> body)
    {
        TicketNewsMessage? message;
        try
        {
            message = JsonSerializer.Deserialize(body, WaitingJson.Default.TicketNewsMessage);
        }
        catch (JsonException exception)
        {
            Log.Unreadable(Logger, exception.Message);
            return;
        }

        if (message is null || message.Replica == _replica)
        {
            return;
        }

        if (!sources.Hear(message.Replica, message.Number))
        {
            poller.OnMissed();
        }

        HashSet<Guid> answered = [];
        foreach (var ticket in message.Succeeded ?? [])
        {
            // What is known from the database stays as it is.
            if (answered.Add(ticket.TicketId) && succeeded.Find(ticket.TicketId) is null)
            {
                succeeded.Add(ticket);
            }
        }

        foreach (var ticketId in message.Tickets)
        {
            if (!answered.Contains(ticketId))
            {
                succeeded.OnChanged(ticketId);
            }

            poller.OnChanged(ticketId);
        }
    }

    private readonly record struct Change(Guid TicketId, TicketSummary? Answered, long Told);

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "News of another replica could not be read: {Reason}")]
        public static partial void Unreadable(ILogger logger, string reason);
    }
}

/// <summary>
/// Which other replicas tell their news, and whether any was missed. One that is not heard for some seconds tells none: it has no broker,
/// or its release has no news.
/// </summary>
internal sealed class NewsSources(TimeProvider time)
{
    private static readonly TimeSpan _maxSilence = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Guid, (long Number, long Heard)> _heard = [];

    /// <summary>A message came.</summary>
    /// <returns>Whether none came before it that was missed.</returns>
    public bool Hear(Guid replica, long number)
    {
        var continues = _heard.TryGetValue(replica, out var last) && IsHeard(last.Heard) && number == last.Number + 1;
        _heard[replica] = (number, time.GetTimestamp());
        return continues;
    }

    /// <summary>Whether all others of this number of replicas tell their news. 0: nobody knows how many there are.</summary>
    public bool AreComplete(int replicas) =>
        replicas == 1 || (replicas > 1 && _heard.Values.Count(last => IsHeard(last.Heard)) >= replicas - 1);

    /// <summary>Nothing is heard any more.</summary>
    public void Forget() => _heard.Clear();

    private bool IsHeard(long heard) => time.GetElapsedTime(heard) < _maxSilence;
}

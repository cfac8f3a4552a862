using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using TicketApp.ServiceDefaults;

namespace TicketApp.Messaging.Broker;

/// <summary>
/// Publishes persistent, mandatory, confirmed messages over its own connection, which a consumer's flow never blocks, and over a channel
/// for each queue, so that none waits for another.
/// </summary>
public sealed partial class BrokerPublisher(
    IConnectionFactory factory, LoopProgress progress, ILogger<BrokerPublisher> logger, BrokerRole? role = null)
    : BrokerLoop(factory, "publisher", progress, logger), IStopsInPhase
{
    // Of a message that cannot be read, in bytes.
    private const int MaxUnreadable = 1024 * 1024;

    // A broker keeps for each channel whether the queue takes its messages. After the loss of the queue's leader it can be wrong about that
    // for as long as the channel lives, so a new one is opened; seldom enough for a queue that is full.
    private static readonly TimeSpan _maxRejection = TimeSpan.FromSeconds(5);

    // What somebody deletes is there again soon. Workers may not declare it.
    private static readonly TimeSpan _declareInterval = TimeSpan.FromSeconds(15);

    private volatile TaskCompletionSource _unusable = new();
    private volatile PublishingChannels? _channels;

    // Those of models, which are declared when the first message is for them.
    private volatile QueueDeclarations? _queues;

    /// <summary>
    /// How long the broker may take to confirm or refuse a message. Default 15 s, which is longer than any broker that works needs.
    /// </summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Whether it would take a message now: it is connected, and the broker has memory and disk left.</summary>
    public override bool IsReady => _channels is not null;

    /// <inheritdoc/>
    public override bool DeclaresQueues => role is null or { DeclaresQueues: true };

    public StopPhase StopPhase => StopPhase.Connections;

    /// <summary>Nobody publishes any more: a broker that does not answer to the end of the connection is not waited for.</summary>
    public TimeSpan StopLimit => TimeSpan.FromSeconds(3);

    /// <summary>The queues that the broker refuses, and those for which it owes an answer.</summary>
    public override IEnumerable<string> RefusedQueues => (_queues?.Refused ?? []).Union(_channels?.Unanswered ?? []);

    /// <summary>Publishes one message and waits until the broker has it safe.</summary>
    /// <param name="queue">One of <see cref="QueueNames"/>.</param>
    /// <param name="body">The message.</param>
    /// <param name="messageId">Lets a reader see a repetition.</param>
    /// <param name="expiration">After which the broker drops it undelivered; null: never.</param>
    /// <param name="isLast">It is sent though the broker owes an answer: this process ends.</param>
    /// <param name="cancellationToken">Ends the wait; the message may have arrived anyway.</param>
    /// <exception cref="BrokerUnavailableException">It was not taken, or nobody can tell whether it was.</exception>
    public Task PublishAsync(
        string queue,
        ReadOnlyMemory<byte> body,
        string? messageId = null,
        TimeSpan? expiration = null,
        bool isLast = false,
        CancellationToken cancellationToken = default)
    {
        BasicProperties properties = new()
        {
            DeliveryMode = DeliveryModes.Persistent,
            ContentType = "application/json",
            MessageId = messageId,
        };
        if (expiration is { } time)
        {
            properties.Expiration = ((long)time.TotalMilliseconds).ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        return PublishAsync(QueueNames.ExchangeOf(queue), queue, body, properties, cancellationToken, isLast);
    }

    /// <summary>Declares the queue of a model, if that is not done yet and can be done now; workers wait for it.</summary>
    public async Task PrepareAsync(string queue) =>
        await (_queues?.DeclareAsync(queue) ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    /// <summary>The queue of a model is used no more for now, and may be deleted: it is declared again before it is used.</summary>
    public void Forget(string queue)
    {
        _queues?.Forget(queue);
        _channels?.CloseIdle(queue);
    }

    /// <summary>Deletes the queue of a model if it is empty and nobody consumes it.</summary>
    /// <returns>Whether it is not there any more.</returns>
    /// <exception cref="BrokerUnavailableException">Nobody can tell.</exception>
    public async Task<bool> TryDeleteIdleAsync(string queue, CancellationToken cancellationToken)
    {
        var queues = _queues is { } there && IsReady ? there : throw new BrokerUnavailableException();
        try
        {
            return await queues.TryDeleteIdleAsync(queue, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BrokerUnavailableException($"the queue {queue} could not be deleted", exception);
        }
    }

    /// <summary>Publishes one message to all that listen now. Nobody may be there, and it is gone with the broker.</summary>
    /// <exception cref="BrokerUnavailableException">It was not taken.</exception>
    public Task BroadcastAsync(string exchange, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) =>
        PublishAsync(exchange, routingKey: "", body, new BasicProperties { ContentType = "application/json" }, cancellationToken);

    /// <summary>Moves a message that cannot be read to <see cref="QueueNames.Errors"/>, with its body and the reason.</summary>
    /// <exception cref="BrokerUnavailableException">It was not taken.</exception>
    public Task PublishUnreadableAsync(string queue, ReadOnlyMemory<byte> body, string reason, CancellationToken cancellationToken)
    {
        var isText = System.Text.Unicode.Utf8.IsValid(body.Span);
        var length = body.Length;
        // Base64 and escapes make it longer, and a message that is too long would close the channel.
        body = body[..Math.Min(length, MaxUnreadable)];
        ErrorMessage error = new()
        {
            Message = $"Message could not be read: {reason}"
                + (length > MaxUnreadable ? $" (only the first {MaxUnreadable} of its {length} bytes are here)" : ""),
            Reason = "unreadable",
            Queue = queue,
            Body = isText ? System.Text.Encoding.UTF8.GetString(body.Span) : Convert.ToBase64String(body.Span),
            BodyEncoding = isText ? "utf-8" : "base64",
        };
        var text = ContractJson.Serialize(error, ContractJson.Default.ErrorMessage);
        return PublishAsync(QueueNames.Errors, text, cancellationToken: cancellationToken);
    }

    private async Task PublishAsync(
        string exchange,
        string routingKey,
        ReadOnlyMemory<byte> body,
        BasicProperties properties,
        CancellationToken cancellationToken,
        bool isLast = false)
    {
        var channels = _channels ?? throw new BrokerUnavailableException();
        var queue = routingKey.Length > 0 ? routingKey : exchange;
        if (channels.Of(queue).IsUnanswered && !isLast)
        {
            throw new BrokerUnavailableException($"The message broker has not answered to an earlier message for {queue}.");
        }

        PublishingChannel? channel = null;
        try
        {
            if (QueueNames.IsOfModel(routingKey) && _queues is { } queues)
            {
                await queues.DeclareAsync(routingKey).WaitAsync(cancellationToken);
            }

            channel = channels.Of(queue);
            await channel.PublishAsync(
                exchange, routingKey, isMandatory: exchange != QueueNames.Control, properties, body, MaxWait, cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            switch (exception)
            {
                case PublishException { IsReturn: true } when QueueNames.IsOfModel(routingKey):
                    _queues?.Forget(routingKey);
                    break;
                case PublishException { IsReturn: true }:
                    // It was deleted. A new connection declares it.
                    Log.Missing(Logger, routingKey);
                    _unusable.TrySetResult();
                    break;
                case PublishException when channel?.RejectedFor > _maxRejection && channels.Remove(queue, channel):
                    Log.Rejected(Logger, queue, _maxRejection.TotalSeconds);
                    break;
            }

            throw new BrokerUnavailableException("The message broker did not take the message.", exception);
        }
    }

    protected override async Task WorkAsync(IConnection connection, Action working, CancellationToken lost)
    {
        TaskCompletionSource unusable = new(TaskCreationOptions.RunContinuationsAsynchronously);
        PublishingChannels channels = new(connection, () => unusable.TrySetResult(), OnSilent);
        connection.ConnectionBlockedAsync += (_, blocked) =>
        {
            _channels = null;
            Log.Blocked(Logger, blocked.Reason);
            return Task.CompletedTask;
        };
        connection.ConnectionUnblockedAsync += (_, _) =>
        {
            _channels = channels;
            Log.Unblocked(Logger);
            return Task.CompletedTask;
        };
        _unusable = unusable;
        QueueDeclarations queues = _queues = new(connection, DeclaresQueues, Logger);
        // Everybody reports or looks whether reports arrive; who ends while the broker hangs cannot open it then.
        await channels.Of(QueueNames.Responses).Opened.WaitAsync(lost);
        _channels = channels;
        working();
        try
        {
            if (DeclaresQueues)
            {
                // There from the start, since everybody knows it; if it is refused, that is told there, and by what is sent to it.
                await PrepareAsync(QueueNames.Tickets).WaitAsync(lost);
                await DeclareUntilAsync(unusable.Task, connection, lost);
            }

            await unusable.Task.WaitAsync(lost);
        }
        finally
        {
            _channels = null;
        }
    }

    private void OnSilent(string queue)
    {
        // While the broker is short of memory or disk, it answers nobody.
        if (IsReady)
        {
            Log.Unanswered(Logger, queue, MaxWait.TotalSeconds);
        }
    }

    private static async Task DeclareUntilAsync(Task end, IConnection connection, CancellationToken lost)
    {
        while (await Task.WhenAny(end, Task.Delay(_declareInterval, lost)) != end && !lost.IsCancellationRequested)
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: lost);
            await BrokerTopology.DeclareAsync(channel, lost);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 11, Level = LogLevel.Error, Message = "The broker takes no messages for now: {Reason}")]
        public static partial void Blocked(ILogger logger, string reason);

        [LoggerMessage(EventId = 13, Level = LogLevel.Warning,
            Message = "The broker has rejected every message for {Queue} for {Seconds:F0} s: a new channel is opened for it")]
        public static partial void Rejected(ILogger logger, string queue, double seconds);

        [LoggerMessage(EventId = 14, Level = LogLevel.Warning,
            Message = "The queue {Queue} is missing: the publisher connects again and declares it")]
        public static partial void Missing(ILogger logger, string queue);

        [LoggerMessage(EventId = 15, Level = LogLevel.Warning,
            Message = "The broker has not answered to a message for {Queue} for {Seconds:F0} s, and nothing is sent there until it does; "
                + "other queues are not concerned. If the queue has no leader, delete it: it is declared again")]
        public static partial void Unanswered(ILogger logger, string queue, double seconds);

        [LoggerMessage(EventId = 12, Level = LogLevel.Information, Message = "The broker takes messages again")]
        public static partial void Unblocked(ILogger logger);
    }
}

/// <summary>What a process may do at the broker.</summary>
/// <param name="DeclaresQueues">Whether it declares exchanges and queues, or waits until another has.</param>
public sealed record BrokerRole(bool DeclaresQueues);

/// <summary>The broker cannot be reached now, or did not take the message. Nothing was lost that the caller still holds.</summary>
public sealed class BrokerUnavailableException : Exception
{
    public BrokerUnavailableException()
        : this("The message broker is not available.")
    {
    }

    public BrokerUnavailableException(string message)
        : base(message)
    {
    }

    public BrokerUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

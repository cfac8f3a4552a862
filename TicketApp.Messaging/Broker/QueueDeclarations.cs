using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace TicketApp.Messaging.Broker;

/// <summary>
/// Declares the queues of models over one connection, each when it is needed and on a channel of its own: a refusal closes
/// the channel that it comes over, and must not take others' messages with it. What was refused is tried again after a pause
/// that doubles; until then it stays refused. A process that declares nothing waits for them in the same way.
/// </summary>
internal sealed partial class QueueDeclarations(IConnection connection, bool declares, ILogger logger)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(15);
    private readonly TimeSpan _firstPause = TimeSpan.FromSeconds(declares ? 1 : 0.2);
    private readonly TimeSpan _maxPause = TimeSpan.FromSeconds(declares ? 30 : 5);

    // Tried no more, since nothing is for it, a refusal says nothing of now.
    private const long ToldForMilliseconds = 60_000;

    private readonly ConcurrentDictionary<string, Declaration> _declarations = new(StringComparer.Ordinal);

    /// <summary>The queues that the broker refuses now.</summary>
    public IEnumerable<string> Refused =>
        from declaration in _declarations
        where declares && declaration.Value.RetryAt > Environment.TickCount64 - ToldForMilliseconds
        select declaration.Key;

    /// <summary>Ends when the queue is there as it should be. All who ask, at the same time or later, share one declaration.</summary>
    public Task DeclareAsync(string queue)
    {
        var declaration = _declarations.GetOrAdd(queue, static _ => new());
        lock (declaration)
        {
            return declaration.Task is { } task
                && (!task.IsCompleted || task.IsCompletedSuccessfully || Environment.TickCount64 < declaration.RetryAt)
                ? task
                : declaration.Task = DeclareAsync(queue, declaration);
        }
    }

    /// <summary>The queue may have been deleted. One that the broker refused is still to be tried again when its pause is over.</summary>
    public void Forget(string queue)
    {
        if (_declarations.TryGetValue(queue, out var declaration) && declaration.Task is { IsCompletedSuccessfully: true })
        {
            _declarations.TryRemove(queue, out _);
        }
    }

    /// <summary>Deletes a queue that nobody consumes and that holds no message for anybody.</summary>
    /// <returns>Whether it is not there any more.</returns>
    public async Task<bool> TryDeleteIdleAsync(string queue, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_limit);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: limit.Token);
        try
        {
            // The broker does not take these conditions with the deletion of a quorum queue. A message that comes in between is of a ticket
            // that is dispatched again when its lease has ended.
            if (await channel.QueueDeclarePassiveAsync(queue, limit.Token) is not { MessageCount: 0, ConsumerCount: 0 })
            {
                return false;
            }

            await channel.QueueDeleteAsync(queue, cancellationToken: limit.Token);
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
        }

        Forget(queue);
        return true;
    }

    private async Task DeclareAsync(string queue, Declaration declaration)
    {
        using CancellationTokenSource limit = new(_limit);
        try
        {
            await using var channel = await connection.CreateChannelAsync(cancellationToken: limit.Token);
            await (declares
                ? BrokerTopology.DeclareWorkAsync(channel, queue, limit.Token)
                : channel.QueueDeclarePassiveAsync(queue, limit.Token));
            declaration.RetryAt = long.MinValue;
        }
        catch (OperationInterruptedException exception) when (connection.IsOpen)
        {
            declaration.Pause =
                declaration.Pause == TimeSpan.Zero ? _firstPause
                : declaration.Pause * 2 < _maxPause ? declaration.Pause * 2
                : _maxPause;
            declaration.RetryAt = Environment.TickCount64 + (long)declaration.Pause.TotalMilliseconds;
            if (declares)
            {
                Log.Refused(logger, queue, declaration.Pause.TotalSeconds, exception.GetBaseException().Message);
            }
            else
            {
                Log.Missing(logger, queue);
            }

            throw;
        }
    }

    private sealed class Declaration
    {
        public Task? Task { get; set; }

        public TimeSpan Pause { get; set; }

        public long RetryAt { get; set; } = long.MinValue;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 31, Level = LogLevel.Error,
            Message = "The broker refuses the queue {Queue}, whose tickets wait; other queues are not concerned. "
                + "If it is there with other arguments, delete it: it is declared again. Next try in {Seconds:F0} s. {Reason}")]
        public static partial void Refused(ILogger logger, string queue, double seconds, string reason);

        [LoggerMessage(EventId = 32, Level = LogLevel.Debug,
            Message = "The queue {Queue} is not there yet: an API declares it when it hears of the model")]
        public static partial void Missing(ILogger logger, string queue);
    }
}

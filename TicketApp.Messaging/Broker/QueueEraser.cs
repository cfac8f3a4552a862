using System.Text;
using System.Text.Json;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace TicketApp.Messaging.Broker;

/// <summary>
/// Removes messages of users from a queue that nobody has to read, as <see cref="QueueNames.Errors"/>. On a connection of its own it takes
/// all messages, acknowledges those to remove and gives the others back by closing the channel. Nothing is written, so that nothing is lost
/// or repeated, whenever it ends.
/// </summary>
public sealed class QueueEraser(IConnectionFactory factory)
{
    // Together as many as "errors" can hold: a consumer may have 65,535 unacknowledged messages.
    private const int Consumers = 2;

    private const int MaxPasses = 5;

    // Well under LoopProgress.RoundLimit: the queue holds what is read in a few seconds.
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(2);

    // A quorum queue drops acknowledgements that it has not taken in when their channel closes (rabbitmq-server issue 10327).
    private static readonly TimeSpan _acknowledging = TimeSpan.FromMilliseconds(200);

    /// <summary>Removes messages that name one of these users anywhere, also in the body of a message that could not be read.</summary>
    /// <returns>How many.</returns>
    /// <exception cref="BrokerUnavailableException">Some may be left.</exception>
    public async Task<int> RemoveAsync(string queue, IReadOnlyList<Guid> users, CancellationToken cancellationToken)
    {
        byte[][] names = [.. users.Select(user => Encoding.UTF8.GetBytes(user.ToString()))];
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_limit);
        try
        {
            await using var connection = await factory.CreateConnectionAsync("erasure", limit.Token);
            var removed = 0;
            for (var pass = 1; pass <= MaxPasses; pass++)
            {
                var found = await RemoveOnceAsync(connection, queue, body => Names(body, names), limit.Token);
                if (found == 0)
                {
                    return removed;
                }

                removed += found;
            }

            throw new BrokerUnavailableException($"messages in {queue} come back after they were acknowledged");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new BrokerUnavailableException($"the queue {queue} could not be read within {_limit.TotalSeconds:F0} s");
        }
        catch (Exception exception) when (exception is RabbitMQClientException or IOException or TimeoutException)
        {
            throw new BrokerUnavailableException($"the broker cannot be used: {exception.GetBaseException().Message}", exception);
        }
    }

    private static async Task<int> RemoveOnceAsync(
        IConnection connection, string queue, Func<ReadOnlyMemory<byte>, bool> isUnwanted, CancellationToken cancellationToken)
    {
        List<IChannel> channels = [];
        var (seen, removed, waiting) = (0, 0, uint.MaxValue);
        TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            for (var i = 0; i < Consumers; i++)
            {
                channels.Add(await connection.CreateChannelAsync(cancellationToken: cancellationToken));
            }

            waiting = (await channels[0].QueueDeclarePassiveAsync(queue, cancellationToken)).MessageCount;
            if (waiting == 0)
            {
                return 0;
            }

            foreach (var channel in channels)
            {
                await channel.BasicQosAsync(0, ushort.MaxValue, global: false, cancellationToken);
                AsyncEventingBasicConsumer consumer = new(channel);
                consumer.ReceivedAsync += async (_, message) =>
                {
                    if (isUnwanted(message.Body))
                    {
                        await channel.BasicAckAsync(message.DeliveryTag, multiple: false, cancellationToken);
                        Interlocked.Increment(ref removed);
                    }

                    if (Interlocked.Increment(ref seen) >= waiting)
                    {
                        all.TrySetResult();
                    }
                };
                await channel.BasicConsumeAsync(queue, autoAck: false, consumer, cancellationToken);
            }

            await AllOrSilenceAsync();
            if (removed > 0)
            {
                await Task.Delay(_acknowledging, cancellationToken);
            }

            return removed;
        }
        finally
        {
            foreach (var channel in channels)
            {
                await channel.DisposeAsync();
            }
        }

        // Another reader may have taken some that were counted, and others expire.
        async Task AllOrSilenceAsync()
        {
            for (var before = -1; !all.Task.IsCompleted;)
            {
                await Task.WhenAny(all.Task, Task.Delay(_silence, cancellationToken));
                cancellationToken.ThrowIfCancellationRequested();
                if (Volatile.Read(ref seen) is var now && now == before
                    && (await channels[0].QueueDeclarePassiveAsync(queue, cancellationToken)).MessageCount == 0)
                {
                    return;
                }

                before = Volatile.Read(ref seen);
            }
        }
    }

    private static bool Names(ReadOnlyMemory<byte> body, byte[][] names) =>
        Contains(body.Span, names) || (body.Span.IndexOf("\"base64\""u8) >= 0 && Contains(Unreadable(body), names));

    private static bool Contains(ReadOnlySpan<byte> bytes, byte[][] names)
    {
        foreach (var name in names)
        {
            if (bytes.IndexOf(name) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The bytes of a message that could not be read and is no text.</summary>
    private static byte[] Unreadable(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize(body.Span, ContractJson.Default.ErrorMessage) is { BodyEncoding: "base64", Body: { } text }
                ? Convert.FromBase64String(text)
                : [];
        }
        catch (Exception exception) when (exception is JsonException or FormatException)
        {
            return [];
        }
    }
}

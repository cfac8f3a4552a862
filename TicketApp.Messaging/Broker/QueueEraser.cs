using System.Buffers.Text;
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

    // What is not acknowledged is in memory here and at the broker. Twice what the policy of the AppHost's brokers lets the queue hold.
    private const long MaxBytes = 128 * 1024 * 1024;

    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _maxSilence = TimeSpan.FromSeconds(20);

    // A quorum queue drops acknowledgements that it has not taken in when their channel closes (rabbitmq-server issue 10327).
    private static readonly TimeSpan _acknowledging = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Removes messages that name one of these users anywhere, also in the body of a message that could not be read. It lasts as long as
    /// the queue takes to be read twice, but two minutes at most.
    /// </summary>
    /// <param name="queue">The queue.</param>
    /// <param name="users">The users.</param>
    /// <param name="progressing">Called every few seconds while messages come.</param>
    /// <param name="cancellationToken">Ends it; some may be left.</param>
    /// <returns>How many.</returns>
    /// <exception cref="BrokerUnavailableException">Some may be left, as of more than 128 MiB.</exception>
    public async Task<int> RemoveAsync(
        string queue, IReadOnlyCollection<Guid> users, Action progressing, CancellationToken cancellationToken)
    {
        var wanted = users.ToHashSet();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_limit);
        try
        {
            await using var connection = await factory.CreateConnectionAsync("erasure", limit.Token);
            var removed = 0;
            for (var pass = 1; pass <= MaxPasses; pass++)
            {
                var found = await RemoveOnceAsync(connection, queue, body => Names(body, wanted), progressing, limit.Token);
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
            throw new BrokerUnavailableException($"the queue {queue} could not be read within {_limit.TotalMinutes:F0} minutes");
        }
        catch (Exception exception) when (exception is RabbitMQClientException or IOException or TimeoutException)
        {
            throw new BrokerUnavailableException($"the broker cannot be used: {exception.GetBaseException().Message}", exception);
        }
    }

    private static async Task<int> RemoveOnceAsync(
        IConnection connection, string queue, Func<ReadOnlyMemory<byte>, bool> isUnwanted, Action progressing,
        CancellationToken cancellationToken)
    {
        List<IChannel> channels = [];
        var (seen, removed, waiting, bytes) = (0, 0, uint.MaxValue, 0L);
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
                    if (Interlocked.Add(ref bytes, message.Body.Length) > MaxBytes)
                    {
                        all.TrySetException(new BrokerUnavailableException(
                            $"{queue} has more than {MaxBytes >> 20} MiB, which it never has under the policy max-length-bytes "
                            + "(docs/operations.md): set it, or remove messages"));
                        return;
                    }

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
            if (all.Task.Exception is { InnerException: { } tooLarge })
            {
                throw tooLarge;
            }

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
            var silent = TimeSpan.Zero;
            for (var before = 0; !all.Task.IsCompleted; before = Volatile.Read(ref seen))
            {
                await Task.WhenAny(all.Task, Task.Delay(_silence, cancellationToken));
                cancellationToken.ThrowIfCancellationRequested();
                if (Volatile.Read(ref seen) != before)
                {
                    silent = TimeSpan.Zero;
                    progressing();
                }
                else if ((await channels[0].QueueDeclarePassiveAsync(queue, cancellationToken)).MessageCount == 0)
                {
                    return;
                }
                else if ((silent += _silence) >= _maxSilence)
                {
                    throw new BrokerUnavailableException($"the broker does not send what is in {queue}");
                }
            }
        }
    }

    private static bool Names(ReadOnlyMemory<byte> body, HashSet<Guid> users) =>
        Contains(body.Span, users) || (body.Span.IndexOf("\"base64\""u8) >= 0 && Contains(Unreadable(body), users));

    /// <summary>Looks at each id in the text once, however many users are looked for.</summary>
    private static bool Contains(ReadOnlySpan<byte> text, HashSet<Guid> users)
    {
        const int Length = 36, FirstHyphen = 8;
        for (var at = FirstHyphen; at + Length - FirstHyphen <= text.Length; at++)
        {
            var next = text[at..].IndexOf((byte)'-');
            if (next < 0 || (at += next) + Length - FirstHyphen > text.Length)
            {
                return false;
            }

            var word = text.Slice(at - FirstHyphen, Length);
            if (Utf8Parser.TryParse(word, out Guid id, out var read, 'D') && read == Length && users.Contains(id))
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

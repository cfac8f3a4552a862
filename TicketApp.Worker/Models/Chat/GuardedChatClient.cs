using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using TicketApp.Messaging;

namespace TicketApp.Worker.Models.Chat;

/// <summary>
/// Streams an answer only as long as it is one: tokens keep coming, it is not longer than a response may be, and it has an end and a text.
/// Everything else becomes a <see cref="ModelException"/> with words of our own.
/// </summary>
internal sealed class GuardedChatClient(IChatClient endpoint, TimeSpan tokenTimeout) : DelegatingChatClient(endpoint)
{
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var updates = base.GetStreamingResponseAsync(messages, options, silence.Token).GetAsyncEnumerator(silence.Token);
        var (length, hasEnded) = (0, false);
        while (true)
        {
            silence.CancelAfter(tokenTimeout);
            if (!await MoveNextAsync(updates, silence.Token, cancellationToken))
            {
                break;
            }

            var update = updates.Current;
            length += update.Text.Length;
            hasEnded |= update.FinishReason is not null;
            if (length > WorkerReport.MaxResponse)
            {
                throw new ModelException($"The answer has more than {WorkerReport.MaxResponse} characters") { IsFinal = true };
            }

            if (update.FinishReason == ChatFinishReason.ContentFilter)
            {
                throw new ModelException("The endpoint's content filter withheld the answer") { IsFinal = true };
            }

            // Telemetry keeps all updates until the end: those that say something, without what they were read from.
            if (update.Contents.Count > 0 || update.FinishReason is not null)
            {
                update.RawRepresentation = null;
                yield return update;
            }
        }

        // Without an end the connection was closed half-way, or the endpoint gave up in the middle.
        // Some endpoints say that in an event that is no part of an answer.
        if (!hasEnded)
        {
            throw new ModelException("The endpoint's answer broke off before its end");
        }

        if (length == 0)
        {
            throw new ModelException("The endpoint gave an empty answer");
        }
    }

    private async ValueTask<bool> MoveNextAsync(
        IAsyncEnumerator<ChatResponseUpdate> updates, CancellationToken silence, CancellationToken cancellationToken)
    {
        try
        {
            return await updates.MoveNextAsync();
        }
        catch (Exception exception) when (exception is not ModelException)
        {
            // Being told to stop shows in several ways, as does the end of patience.
            cancellationToken.ThrowIfCancellationRequested();
            throw silence.IsCancellationRequested
                ? new ModelException($"The endpoint sent nothing for {tokenTimeout.TotalSeconds:0.#} s")
                : ChatFailures.Of(exception);
        }
    }
}

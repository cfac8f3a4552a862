using TicketApp.Api.Auth;
using TicketApp.Api.Storage;
using TicketApp.Api.Waiting;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>
/// Streams a chat completion. What a listener has cannot be taken back: an attempt that says something else than the one before is told
/// no further than they agree.
/// </summary>
/// <param name="stream">Where to tell.</param>
/// <param name="progress">Reads what the model says.</param>
/// <param name="bytes">Bounds what large answers take at once.</param>
/// <param name="includesUsage">Whether the last chunk tells what it took.</param>
internal sealed class CompletionEvents(EventStream stream, ProgressReader progress, ByteLimit bytes, bool includesUsage)
{
    private const string Done = "[DONE]";

    private readonly RunText _run = new(progress);
    private readonly HeardText _text = new(TextMark.Start);
    private int _epoch;
    private bool _hasBegun;

    /// <summary>Tells what is new.</summary>
    public async Task TellAsync(TicketRecord row, CancellationToken cancellationToken)
    {
        if (!_hasBegun)
        {
            _hasBegun = true;
            await SendAsync(row, new() { Role = ChatInput.Assistant, Content = "" }, null, cancellationToken);
        }

        if (row.Status is TicketStatus.Running or TicketStatus.Canceling)
        {
            if (row.Epoch != _epoch)
            {
                _epoch = row.Epoch;
                _text.Begin();
            }

            await TellTextAsync(row, await _run.ReadAsync(row.TicketId, row.Epoch), cancellationToken);
        }
        else if (row.IsFinished)
        {
            await TellEndAsync(row, cancellationToken);
        }

        await stream.CommentIfSilentAsync(cancellationToken);
    }

    /// <summary>Tells that nothing more comes.</summary>
    public Task FailAsync(OpenAiError error, CancellationToken cancellationToken) =>
        stream.SendAsync(name: null, id: null, new(error), OpenAiJson.Default.OpenAiErrorBody, cancellationToken);

    private async Task TellEndAsync(TicketRecord row, CancellationToken cancellationToken)
    {
        // A listener that reads slowly keeps it as long as it takes.
        using var taken = await bytes.TakeSoonAsync(row.UserId, row.Bytes, cancellationToken);
        if (ChatAnswer.Of(row) is not { } answer)
        {
            await FailAsync(CompletionResource.ErrorOf(row), cancellationToken);
            return;
        }

        _text.Begin();
        await TellTextAsync(row, answer.Text, cancellationToken);
        if (!_text.IsHeard)
        {
            await FailAsync(
                OpenAiError.Failed("The answer is not what was streamed of an attempt that failed. Ask again.", "stream_contradicted"),
                cancellationToken);
            return;
        }

        await SendAsync(row, new(), CompletionUsage.EndOf(answer), cancellationToken);
        if (includesUsage)
        {
            await SendAsync(Chunk(row) with { Usage = CompletionUsage.Of(answer) }, cancellationToken);
        }

        await stream.SendTextAsync(name: null, id: null, Done, cancellationToken);
    }

    private async Task TellTextAsync(TicketRecord row, string text, CancellationToken cancellationToken)
    {
        if (_text.Tell(text) is { Length: > 0 } more)
        {
            await SendAsync(row, new() { Content = more }, null, cancellationToken);
        }
    }

    private Task SendAsync(TicketRecord row, ChunkDelta delta, string? finishReason, CancellationToken cancellationToken) =>
        SendAsync(Chunk(row, new ChunkChoice(0, delta, finishReason)), cancellationToken);

    private Task SendAsync(CompletionChunk chunk, CancellationToken cancellationToken) =>
        stream.SendAsync(name: null, id: null, chunk, OpenAiJson.Default.CompletionChunk, cancellationToken);

    private static CompletionChunk Chunk(TicketRecord row, params IReadOnlyList<ChunkChoice> choices) => new(
        OpenAiIds.Of(OpenAiIds.Completion, row.TicketId), ResponseResource.Seconds(row.Created), row.Model,
        ServiceTier.Of(row.Priority), choices);
}

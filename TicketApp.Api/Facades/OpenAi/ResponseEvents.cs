using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using TicketApp.Api.Auth;
using TicketApp.Api.Storage;
using TicketApp.Api.Waiting;

namespace TicketApp.Api.Facades.OpenAi;

/// <summary>
/// Tells a listener of a response what happens to it. The numbers of the events follow from the ticket's epoch and the length of the text,
/// so that every replica gives an event the same one, before and after a restart, with nothing stored for it:
/// <c>0</c> to <c>2</c> for what comes before the answer; then in each epoch the beginning of the message, each delta by where it ends in
/// the text, and from <see cref="TextDone"/> on the end.
/// </summary>
/// <param name="stream">Where to tell.</param>
/// <param name="progress">Reads what the model says.</param>
/// <param name="bytes">Bounds what large answers take at once.</param>
/// <param name="after">The number of the last event that the listener has; -1: none.</param>
internal sealed class ResponseEvents(EventStream stream, ProgressReader progress, ByteLimit bytes, long after)
{
    private const int Created = 0;
    private const int Queued = 1;
    private const int InProgress = 2;

    // An answer has at most a million characters: more than there are numbers between the beginning and the end.
    private const int EpochBits = 20;
    private const int PartAdded = 1;
    private const int Last = (1 << EpochBits) - 1;
    private const int TextDone = Last - 3;

    private readonly RunText _run = new(progress);
    private long _seen = after;

    // The message that the listener is reading: of which epoch, the place among its messages, and how much of it was sent. What was sent
    // before the listener lost its connection is not known word by word. No text is kept: thousands may listen.
    private int _epoch = EpochOf(after);
    private int _index = EpochOf(after) == 0 ? -1 : 0;
    private int _sent = Math.Max(0, (int)(after & Last) - PartAdded);
    private TextMark? _said;

    /// <summary>Whether a listener can have an event of that number.</summary>
    public static bool IsNumberOf(long number, TicketRecord row) => number >= Created && EpochOf(number) <= row.Epoch;

    /// <summary>Tells what is new.</summary>
    public async Task TellAsync(TicketRecord row, CancellationToken cancellationToken)
    {
        if (_seen < InProgress)
        {
            await TellLifecycleAsync(row, cancellationToken);
        }

        if (row.Status is TicketStatus.Running or TicketStatus.Canceling
            && await _run.ReadAsync(row.TicketId, row.Epoch) is { Length: > 0 } text)
        {
            await BeginAsync(row, cancellationToken);
            await TellTextAsync(row, text, _run.Length - text.Length, cancellationToken);
        }
        else if (row.IsFinished)
        {
            await TellEndAsync(row, cancellationToken);
        }

        await stream.CommentIfSilentAsync(cancellationToken);
    }

    /// <summary>Tells that nothing more can be told. The number is that of the last event, after which the listener can continue.</summary>
    public Task FailAsync(OpenAiError error, CancellationToken cancellationToken) =>
        stream.SendAsync(
            "error", id: null, new ErrorEvent("error", Math.Max(Created, _seen), error.Code, error.Message, error.Param),
            OpenAiJson.Default.ErrorEvent, cancellationToken);

    private static int EpochOf(long number) => number < 0 ? 0 : (int)Math.Min(number >> EpochBits, int.MaxValue);

    private static long Number(int epoch, int place) => ((long)epoch << EpochBits) + place;

    private async Task TellLifecycleAsync(TicketRecord row, CancellationToken cancellationToken)
    {
        var begun = ResponseResource.Of(ResponseTicket.Of(row)!) with
        {
            Status = "queued",
            CompletedAt = null,
            Error = null,
            IncompleteDetails = null,
            Output = [],
            Usage = null,
        };
        await SendAsync(Created, "response.created", begun, cancellationToken);
        await SendAsync(Queued, "response.queued", begun, cancellationToken);
        if (row.Started is not null)
        {
            await SendAsync(InProgress, "response.in_progress", begun with { Status = "in_progress" }, cancellationToken);
        }
    }

    /// <summary>Begins the message of the ticket's epoch, unless the listener has it. An attempt that failed leaves another one.</summary>
    private async Task BeginAsync(TicketRecord row, CancellationToken cancellationToken)
    {
        if (_epoch != row.Epoch)
        {
            await CloseAsync(row, cancellationToken);
            (_epoch, _sent, _said) = (row.Epoch, 0, TextMark.Start);
            _index++;
        }

        OutputMessage message = new(OpenAiIds.OfMessage(row.TicketId, _epoch), "in_progress", []);
        var number = Number(_epoch, 0);
        await SendAsync(
            number, "response.output_item.added", new ItemEvent("response.output_item.added", number, _index, message),
            OpenAiJson.Default.ItemEvent, cancellationToken);
        number = Number(_epoch, PartAdded);
        await SendAsync(
            number, "response.content_part.added", new PartEvent("response.content_part.added", number, message.Id, _index, new("")),
            OpenAiJson.Default.PartEvent, cancellationToken);
    }

    /// <summary>Tells what is new of a piece of the message, which begins at <paramref name="start"/>.</summary>
    private async Task TellTextAsync(TicketRecord row, string text, int start, CancellationToken cancellationToken)
    {
        var end = start + text.Length;
        if (end <= _sent)
        {
            return;
        }

        // No event ends within a character, but a number that the listener made up may.
        var known = Math.Max(0, _sent - start);
        var delta = text[(known > 0 && char.IsLowSurrogate(text[known]) ? known - 1 : known)..];
        var number = Number(_epoch, PartAdded + end);
        await SendAsync(
            number, "response.output_text.delta",
            new DeltaEvent("response.output_text.delta", number, OpenAiIds.OfMessage(row.TicketId, _epoch), _index, delta),
            OpenAiJson.Default.DeltaEvent, cancellationToken);
        _sent = end;
        _said = _said?.Add(delta);
    }

    private async Task TellEndAsync(TicketRecord row, CancellationToken cancellationToken)
    {
        // Four events have the whole text. A listener that reads slowly keeps it as long as it takes.
        using var taken = await bytes.TakeSoonAsync(row.UserId, row.Bytes, cancellationToken);
        var response = ResponseResource.Of(ResponseTicket.Of(row)!);
        if (response.Output is [var message])
        {
            var text = message.Content[0].Text;
            await BeginAsync(row, cancellationToken);
            if (_said is not { } said || Begins(text, said))
            {
                await TellTextAsync(row, text, 0, cancellationToken);
            }

            await EndMessageAsync(message, cancellationToken);
        }
        else
        {
            await CloseAsync(row, cancellationToken);
        }

        var name = response.Status switch
        {
            "completed" => "response.completed",
            "incomplete" => "response.incomplete",
            // There is no event for one that was canceled.
            _ => "response.failed",
        };
        await SendAsync(Number(row.Epoch, Last), name, response, cancellationToken);
    }

    /// <summary>Ends the message of an attempt that came to nothing, where its text is known.</summary>
    private async Task CloseAsync(TicketRecord row, CancellationToken cancellationToken)
    {
        if (_said is not { } said)
        {
            return;
        }

        _said = null;
        using var taken = await bytes.TakeSoonAsync(row.UserId, (long)said.Length * sizeof(char), cancellationToken);
        if (await new RunText(progress).ReadAsync(row.TicketId, _epoch) is var text && Begins(text, said))
        {
            await EndMessageAsync(
                new(OpenAiIds.OfMessage(row.TicketId, _epoch), "incomplete", [new(text[..said.Length])]), cancellationToken);
        }
    }

    private static bool Begins(string text, TextMark said) =>
        text.Length >= said.Length && TextMark.Start.Add(text.AsSpan(0, said.Length)) == said;

    private async Task EndMessageAsync(OutputMessage message, CancellationToken cancellationToken)
    {
        var text = message.Content[0];
        var number = Number(_epoch, TextDone);
        await SendAsync(
            number, "response.output_text.done", new TextEvent("response.output_text.done", number, message.Id, _index, text.Text),
            OpenAiJson.Default.TextEvent, cancellationToken);
        await SendAsync(
            ++number, "response.content_part.done", new PartEvent("response.content_part.done", number, message.Id, _index, text),
            OpenAiJson.Default.PartEvent, cancellationToken);
        await SendAsync(
            ++number, "response.output_item.done", new ItemEvent("response.output_item.done", number, _index, message),
            OpenAiJson.Default.ItemEvent, cancellationToken);
    }

    private Task SendAsync(long number, string name, ResponseResource response, CancellationToken cancellationToken) =>
        SendAsync(number, name, new ResponseEvent(name, number, response), OpenAiJson.Default.ResponseEvent, cancellationToken);

    /// <summary>Sends an event that the listener does not have.</summary>
    private async Task SendAsync<T>(long number, string name, T data, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        if (number > _seen)
        {
            await stream.SendAsync(name, id: null, data, type, cancellationToken);
            _seen = number;
        }
    }
}

/// <summary>An event about the whole response.</summary>
internal sealed record ResponseEvent(string Type, long SequenceNumber, ResponseResource Response);

/// <summary>An event about a message.</summary>
internal sealed record ItemEvent(string Type, long SequenceNumber, int OutputIndex, OutputMessage Item);

/// <summary>An event about the text of a message, as its part.</summary>
internal sealed record PartEvent(string Type, long SequenceNumber, string ItemId, int OutputIndex, OutputText Part)
{
    public int ContentIndex { get; }
}

/// <summary>What a text has grown by.</summary>
internal sealed record DeltaEvent(string Type, long SequenceNumber, string ItemId, int OutputIndex, string Delta)
{
    public int ContentIndex { get; }

    public IReadOnlyList<JsonElement> Logprobs { get; } = [];
}

/// <summary>A text that is whole.</summary>
internal sealed record TextEvent(string Type, long SequenceNumber, string ItemId, int OutputIndex, string Text)
{
    public int ContentIndex { get; }

    public IReadOnlyList<JsonElement> Logprobs { get; } = [];
}

/// <summary>Why nothing more comes.</summary>
internal sealed record ErrorEvent(string Type, long SequenceNumber, string? Code, string Message, string? Param);

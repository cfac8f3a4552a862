using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Api.Waiting;
using TicketApp.Messaging;

namespace TicketApp.Api.Facades.Replicate;

/// <summary>
/// Sends a prediction's output as it grows, as the server-sent events <c>output</c>, <c>error</c> and <c>done</c>. What was sent is always
/// the beginning of the output, and at the end all of it, or an error says that it is not.
/// </summary>
internal sealed class PredictionStream(
    TicketPoller poller, ProgressReader progress, PredictionPresenter presenter, ByteLimit bytes, IOptions<WaitingOptions> options)
{
    /// <summary>The id of the last event.</summary>
    public const string EndId = "done";

    /// <summary>Sends what the listener does not have, until the ticket has ended or the listener goes.</summary>
    /// <param name="context">The listener's request.</param>
    /// <param name="row">The ticket.</param>
    /// <param name="heard">What the listener has.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task SendAsync(HttpContext context, TicketRecord row, TextMark heard, CancellationToken cancellationToken)
    {
        using var subscription = poller.Subscribe(row);
        EventStream stream = new(context.Response);
        HeardText output = new(heard);
        stream.Begin();
        // So that the listener has an answer at once.
        await stream.CommentAsync(cancellationToken);
        var (epoch, last) = (row.Epoch, 0);
        while (subscription.Latest is { IsFinished: false } latest && !subscription.IsStopped)
        {
            if (latest.Epoch != epoch)
            {
                (epoch, last) = (latest.Epoch, 0);
                output.Begin();
            }

            if (subscription.TakeProgress())
            {
                await foreach (var report in progress.InOrderAsync(row.TicketId, epoch, last))
                {
                    last = report.Sequence;
                    await TellAsync(report.Text ?? "", output, stream, cancellationToken);
                }
            }

            await stream.CommentIfSilentAsync(cancellationToken);
            await subscription.WaitAsync(options.Value.ProgressInterval, cancellationToken);
        }

        if (subscription.Latest is { IsFinished: true } ended)
        {
            await EndAsync(ended, output, stream, cancellationToken);
        }
        else
        {
            // This process stops, or the ticket was removed. An orderly end would look like that of the output.
            context.Abort();
        }
    }

    private async Task EndAsync(TicketRecord row, HeardText output, EventStream stream, CancellationToken cancellationToken)
    {
        // A listener that reads slowly keeps it as long as it takes.
        using var taken = await bytes.TakeSoonAsync(row.UserId, row.Bytes, cancellationToken);
        var prediction = presenter.Show(row, root: "");
        var error = prediction.Error;
        if (prediction.Output is { } whole)
        {
            output.Begin();
            foreach (var piece in PiecesOf(whole))
            {
                await TellAsync(piece, output, stream, cancellationToken);
            }

            error = output.IsHeard ? null : "The output is not what was streamed of an attempt: get the prediction";
        }

        if (error is not null && prediction.Status is Prediction.Succeeded or Prediction.Failed)
        {
            await stream.SendAsync("error", null, new(error), ReplicateJson.Default.StreamError, cancellationToken);
        }

        StreamEnd end = new(prediction.Status is Prediction.Canceled or Prediction.Aborted ? "canceled" : error is null ? null : "error");
        await stream.SendAsync(EndId, EndId, end, ReplicateJson.Default.StreamEnd, cancellationToken);
    }

    private static async Task TellAsync(string piece, HeardText output, EventStream stream, CancellationToken cancellationToken)
    {
        // Events have lines; what ends them otherwise is lost on the way.
        if (output.Tell(piece.Replace("\r", "", StringComparison.Ordinal)) is { Length: > 0 } news)
        {
            await stream.SendTextAsync("output", output.Heard.ToString(), news, cancellationToken);
        }
    }

    /// <summary>What an output is streamed as: a list of texts one by one, anything else at once, as text.</summary>
    internal static IReadOnlyList<string> PiecesOf(Payload output)
    {
        if (!output.IsJson || !output.Text.StartsWith('['))
        {
            return [output.Text];
        }

        try
        {
            using var list = JsonDocument.Parse(output.Text, new() { MaxDepth = JsonBody.MaxDepthWithInputs });
            return list.RootElement.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String)
                ? [.. list.RootElement.EnumerateArray().Select(item => item.GetString()!)]
                : [output.Text];
        }
        catch (InvalidOperationException)
        {
            // A text with an escape that is half a character.
            return [output.Text];
        }
    }
}

/// <summary>The data of the event <c>error</c>.</summary>
/// <param name="Detail">What happened.</param>
internal sealed record StreamError(string Detail);

/// <summary>The data of the event <c>done</c>.</summary>
/// <param name="Reason"><c>canceled</c> or <c>error</c>, if it did not succeed.</param>
internal sealed record StreamEnd([property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reason);

internal static class PredictionStreamEndpoint
{
    /// <summary>Maps the stream of a prediction, which wants no key but the token in its URL.</summary>
    public static void MapPredictionStream(this RouteGroupBuilder replicate) =>
        replicate.MapGet("/predictions/{id}/stream", ListenAsync).AllowAnonymous();

    private static async Task<IResult> ListenAsync(
        string id, string? token, HttpContext context, TicketRecordReader tickets, PredictionPresenter presenter,
        PredictionStream predictions, CancellationToken cancellationToken)
    {
        if (!Guid.TryParseExact(id, "D", out var ticketId)
            || !presenter.IsToken(token, ticketId)
            || await tickets.FindAsync(id) is not { } row)
        {
            return PredictionsEndpoints.NotFound();
        }

        var last = context.Request.Headers["Last-Event-ID"].ToString();
        if (last == PredictionStream.EndId && row.IsFinished)
        {
            // A browser asks again after every end, and stops when told that there is nothing.
            return TypedResults.NoContent();
        }

        await predictions.SendAsync(context, row, TextMark.Parse(last), cancellationToken);
        return TypedResults.Empty;
    }
}

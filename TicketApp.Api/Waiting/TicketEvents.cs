using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Waiting;

/// <summary>Tells a listener what happens to a ticket, from where it left off until the ticket has ended.</summary>
internal sealed class TicketEvents(
    TicketPoller poller, ProgressReader progress, TicketPresenter presenter, ByteLimit bytes, KeyReader keys,
    IOptions<WaitingOptions> options)
{
    private static readonly TimeSpan _commentEvery = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Sends the events after <paramref name="seen"/>, until the ticket has ended, the listener goes, or its key is revoked.
    /// </summary>
    public async Task SendAsync(
        TicketRecord row, TicketEventId seen, Caller caller, EventStream stream, CancellationToken cancellationToken)
    {
        // A number that was never given is no reason to keep back what comes.
        seen = seen.Step > TicketEventId.Of(row).Step ? TicketEventId.Of(row) : seen;
        using var subscription = poller.Subscribe(row);
        stream.Begin();
        var lastComment = Stopwatch.GetTimestamp();
        TicketProgress? known = null;
        while (subscription.Latest is { } latest && await keys.IsGoodAsync(caller))
        {
            var ticket = await presenter.ShowAsync(latest, cancellationToken);
            var told = await TellAsync(latest, ticket, subscription, seen, stream, cancellationToken);
            if (latest.IsFinished || subscription.IsStopped)
            {
                return;
            }

            TicketProgress now = new() { Status = ticket.Status, Queue = ticket.Queue };
            if (told == seen && now != known)
            {
                await stream.SendAsync("progress", id: null, now, WaitingJson.Default.TicketProgress, cancellationToken);
            }

            (seen, known) = (told, now);
            if (Stopwatch.GetElapsedTime(lastComment) >= _commentEvery)
            {
                await stream.CommentAsync(cancellationToken);
                lastComment = Stopwatch.GetTimestamp();
            }

            await subscription.WaitAsync(options.Value.ProgressInterval, cancellationToken);
        }
    }

    /// <summary>Sends what has happened since <paramref name="seen"/>.</summary>
    /// <returns>The last event that the listener has.</returns>
    private async Task<TicketEventId> TellAsync(
        TicketRecord row,
        TicketResource ticket,
        TicketSubscription subscription,
        TicketEventId seen,
        EventStream stream,
        CancellationToken cancellationToken)
    {
        foreach (var (name, id) in EventsOf(row))
        {
            if (id.Step > seen.Step)
            {
                // A listener that reads slowly keeps it as long as it takes.
                using var taken = await bytes.TakeSoonAsync(row.UserId, row.Bytes, cancellationToken);
                await stream.SendAsync(name, id.ToString(), ticket, TicketJson.Default.TicketResource, cancellationToken);
                seen = id;
            }

            // What was said before the end comes before it.
            if (name == "started" && seen.Step == id.Step && (subscription.TakeProgress() || row.IsFinished))
            {
                seen = await TellProgressAsync(row, ticket.Status, seen, stream, cancellationToken);
            }
        }

        return seen;
    }

    private static IEnumerable<(string Name, TicketEventId Id)> EventsOf(TicketRecord row)
    {
        var last = TicketEventId.Of(row);
        yield return ("queued", TicketEventId.First);
        if (row.Started is not null)
        {
            yield return ("started", TicketEventId.OfStart(row));
        }

        if (row.IsFinished)
        {
            yield return ("finished", last);
        }
        else if (row.Status is TicketStatus.Queued or TicketStatus.Retryable or TicketStatus.Dispatched && last != TicketEventId.First)
        {
            yield return ("queued", last);
        }
    }

    private async Task<TicketEventId> TellProgressAsync(
        TicketRecord row, string status, TicketEventId seen, EventStream stream, CancellationToken cancellationToken)
    {
        // The texts belong together in their order.
        await foreach (var report in progress.InOrderAsync(row.TicketId, row.Epoch, seen.Report, hasEnded: row.IsFinished))
        {
            seen = seen with { Report = report.Sequence };
            await stream.SendAsync(
                "progress", seen.ToString(),
                new() { Status = row.IsFinished ? "running" : status, Fraction = report.Fraction, Text = report.Text },
                WaitingJson.Default.TicketProgress, cancellationToken);
        }

        return seen;
    }
}

/// <summary>The data of the event <c>progress</c>: how an open ticket gets on.</summary>
public sealed record TicketProgress
{
    /// <summary>The ticket's status.</summary>
    public required string Status { get; init; }

    /// <summary>How far the run is, from 0 to 1, if its model says so.</summary>
    public double? Fraction { get; init; }

    /// <summary>What the answer has grown by since the report before, if its model says so.</summary>
    public string? Text { get; init; }

    /// <summary>Where the ticket stands, while it waits.</summary>
    public QueuePosition? Queue { get; init; }
}

/// <summary>The compiled serializers of this folder.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(TicketProgress))]
[JsonSerializable(typeof(TicketNewsMessage))]
internal sealed partial class WaitingJson : JsonSerializerContext;

/// <summary>
/// Numbers a ticket's events. They follow from its epoch and its state alone, so that every replica gives an event the same one, and grow
/// along a ticket's way: an epoch begins with its dispatch, then comes its start with the reports of its progress, then its return to the
/// backlog, or an end.
/// Written as <c>5</c>, and <c>5-12</c> for the twelfth report after the start 5.
/// </summary>
/// <param name="Step">The step on the ticket's way.</param>
/// <param name="Report">The report of progress within it; 0 for the step itself.</param>
internal readonly record struct TicketEventId(long Step, int Report = 0)
{
    private const int StepsInAnEpoch = 4;
    private const int Started = 1;
    private const int Queued = 2;
    private const int Finished = 3;

    /// <summary>Before the first event.</summary>
    public static TicketEventId None { get; } = new(-1);

    /// <summary>The first event of every ticket.</summary>
    public static TicketEventId First { get; } = new(Queued);

    /// <summary>The event that brought the ticket where it is; a dispatched ticket is still where it was before.</summary>
    public static TicketEventId Of(TicketRecord row) => row switch
    {
        { IsFinished: true } => In(row.Epoch, Finished),
        { Status: TicketStatus.Dispatched } => In(row.Epoch - 1, Queued),
        { Status: TicketStatus.Queued or TicketStatus.Retryable } => In(row.Epoch, Queued),
        _ => In(row.Epoch, Started),
    };

    /// <summary>The start of the ticket's latest run.</summary>
    public static TicketEventId OfStart(TicketRecord row) => In(row.Epoch, Started);

    /// <summary>Reads the header <c>Last-Event-ID</c>; what cannot be read counts as none seen.</summary>
    public static TicketEventId Parse(string? header)
    {
        var parts = (header ?? "").Split('-');
        return long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var step)
            ? new(
                step,
                parts.Length == 2 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var report) ? report : 0)
            : None;
    }

    public override string ToString() =>
        Step.ToString(CultureInfo.InvariantCulture) + (Report == 0 ? "" : $"-{Report.ToString(CultureInfo.InvariantCulture)}");

    private static TicketEventId In(int epoch, int step) => new(((long)epoch * StepsInAnEpoch) + step);
}

/// <summary>Writes server-sent events to a response.</summary>
internal sealed class EventStream(HttpResponse response)
{
    public const string ContentType = "text/event-stream";

    private static readonly TimeSpan _maxSilence = TimeSpan.FromSeconds(15);
    private static readonly string[] _lineBreaks = ["\r\n", "\n", "\r"];

    private long _lastSent = Stopwatch.GetTimestamp();

    public void Begin()
    {
        response.ContentType = ContentType;
        // Proxies of the nginx family otherwise keep events back until a buffer is full.
        response.Headers["X-Accel-Buffering"] = "no";
    }

    /// <summary>Sends one event; JSON has no line breaks outside of strings, and none unescaped in them.</summary>
    public async Task SendAsync<T>(string? name, string? id, T data, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        Encoding.UTF8.GetBytes($"{Head(name, id)}data: ", response.BodyWriter);
        ApiJson.Write(response.BodyWriter, data, type);
        response.BodyWriter.Write("\n\n"u8);
        await FlushAsync(cancellationToken);
    }

    /// <summary>Sends a text as one event, which a listener joins again from its lines.</summary>
    public async Task SendTextAsync(string? name, string? id, string text, CancellationToken cancellationToken)
    {
        var lines = text.Split(_lineBreaks, StringSplitOptions.None).Select(line => $"data: {line}\n");
        Encoding.UTF8.GetBytes($"{Head(name, id)}{string.Concat(lines)}\n", response.BodyWriter);
        await FlushAsync(cancellationToken);
    }

    /// <summary>Sends a comment, which shows everyone on the way that the connection lives.</summary>
    public async Task CommentAsync(CancellationToken cancellationToken)
    {
        response.BodyWriter.Write(":\n\n"u8);
        await FlushAsync(cancellationToken);
    }

    /// <summary>The same, if nothing was sent for 15 seconds.</summary>
    public Task CommentIfSilentAsync(CancellationToken cancellationToken) =>
        Stopwatch.GetElapsedTime(_lastSent) >= _maxSilence ? CommentAsync(cancellationToken) : Task.CompletedTask;

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        await response.BodyWriter.FlushAsync(cancellationToken);
        _lastSent = Stopwatch.GetTimestamp();
    }

    private static string Head(string? name, string? id) =>
        (name is null ? "" : $"event: {name}\n") + (id is null ? "" : $"id: {id}\n");
}

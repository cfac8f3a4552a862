using System.Diagnostics;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Waiting;

/// <summary>Tells a listener what happens to a ticket, from where it left off until the ticket has ended.</summary>
internal sealed class TicketEvents(
    TicketWatch watch, ProgressReader progress, TicketPresenter presenter, ByteLimit bytes, KeyReader keys,
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
        using var watcher = watch.Watch(row);
        stream.Begin();
        var lastComment = Stopwatch.GetTimestamp();
        while (watcher.Latest is { } latest && await keys.IsGoodAsync(caller))
        {
            var told = await TellAsync(latest, watcher, seen, stream, cancellationToken);
            if (latest.IsFinished || watcher.IsStopped)
            {
                return;
            }

            if (told == seen)
            {
                var ticket = await presenter.ShowAsync(latest, cancellationToken);
                await stream.SendAsync(
                    "progress", id: null, new() { Status = ticket.Status, Queue = ticket.Queue },
                    WaitingJson.Default.TicketProgress, cancellationToken);
            }

            seen = told;
            if (Stopwatch.GetElapsedTime(lastComment) >= _commentEvery)
            {
                await stream.CommentAsync(cancellationToken);
                lastComment = Stopwatch.GetTimestamp();
            }

            await watcher.WaitAsync(options.Value.ProgressInterval, cancellationToken);
        }
    }

    /// <summary>Sends what has happened since <paramref name="seen"/>.</summary>
    /// <returns>The last event that the listener has.</returns>
    private async Task<TicketEventId> TellAsync(
        TicketRecord row, TicketWatcher watcher, TicketEventId seen, EventStream stream, CancellationToken cancellationToken)
    {
        var ticket = await presenter.ShowAsync(row, cancellationToken);
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
            if (name == "started" && seen.Step == id.Step && (watcher.TakeProgress() || row.IsFinished))
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
        ProgressPage page;
        do
        {
            page = await progress.SubmitAsync(new(row.TicketId, row.Epoch, seen.Report));
            foreach (var report in page.Reports)
            {
                seen = seen with { Report = report.Sequence };
                await stream.SendAsync(
                    "progress", seen.ToString(),
                    new() { Status = row.IsFinished ? "running" : status, Fraction = report.Fraction, Text = report.Text },
                    WaitingJson.Default.TicketProgress, cancellationToken);
            }
        }
        while (page.HasMore);

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
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TicketProgress))]
internal sealed partial class WaitingJson : JsonSerializerContext;

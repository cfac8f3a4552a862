using System.Diagnostics;
using Microsoft.Extensions.Options;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Waiting;

/// <summary>Tells a listener what happens to a ticket, from where it left off until the ticket has ended.</summary>
internal sealed class TicketEvents(TicketWatch watch, TicketPresenter presenter, IOptions<WaitingOptions> options)
{
    private static readonly TimeSpan _commentEvery = TimeSpan.FromSeconds(15);

    /// <summary>Sends the events after number <paramref name="seen"/>, until the ticket has ended or the listener goes.</summary>
    public async Task SendAsync(TicketRow row, long seen, EventStream stream, CancellationToken cancellationToken)
    {
        // A number that was never given is no reason to keep back what comes.
        seen = Math.Min(seen, TicketEventId.Of(row));
        using var watcher = watch.Watch(row);
        stream.Begin();
        var lastComment = Stopwatch.GetTimestamp();
        while (watcher.Latest is { } latest)
        {
            var told = await TellAsync(latest, seen, stream, cancellationToken);
            if (latest.IsFinished || watcher.IsStopped)
            {
                return;
            }

            if (told == seen)
            {
                await stream.SendAsync("progress", id: null, await presenter.ShowAsync(latest, cancellationToken), ApiJson.Default.Ticket, cancellationToken);
            }

            seen = told;
            if (Stopwatch.GetElapsedTime(lastComment) >= _commentEvery)
            {
                await stream.CommentAsync(cancellationToken);
                lastComment = Stopwatch.GetTimestamp();
            }

            await watcher.WaitAsync(options.Value.Progress, cancellationToken);
        }
    }

    /// <summary>Sends what has happened since <paramref name="seen"/>.</summary>
    /// <returns>The number of the last event that the listener has.</returns>
    private async Task<long> TellAsync(TicketRow row, long seen, EventStream stream, CancellationToken cancellationToken)
    {
        var ticket = await presenter.ShowAsync(row, cancellationToken);
        List<(string Name, long Id)> events = [("queued", TicketEventId.First)];
        if (row.Started is not null)
        {
            events.Add(("started", TicketEventId.OfStart(row)));
        }

        events.Add((row.IsFinished ? "finished" : row.Status == TicketStatus.Running ? "started" : "queued", TicketEventId.Of(row)));
        foreach (var (name, id) in events.DistinctBy(one => one.Id).Where(one => one.Id > seen))
        {
            await stream.SendAsync(name, id, ticket, ApiJson.Default.Ticket, cancellationToken);
            seen = id;
        }

        return seen;
    }
}

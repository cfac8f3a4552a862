using System.Diagnostics;
using TicketApp.ServiceDefaults;

namespace TicketApp.Messaging.Tracing;

/// <summary>
/// The spans that the app makes beside those of ASP.NET Core, Npgsql and RabbitMQ.Client, so that a ticket's trace runs from its
/// request through both queues to its row. A ticket carries the W3C <c>traceparent</c> of its request in its row and in messages, whatever
/// shares a statement or a message; it is null, and all of this costs nothing, unless that request is sampled.
/// </summary>
public static class TicketTrace
{
    /// <summary>The tag that says whose span it is.</summary>
    public const string TicketIdTag = "ticketapp.ticket.id";

    // More would cost more than they tell: each linked ticket has spans of its own.
    private const int MaxLinks = 64;

    private static readonly ActivitySource _source = new(TelemetryNames.App);

    /// <summary>The sampled span that the caller runs in; null without one.</summary>
    public static Activity? Current => _source.HasListeners() && Activity.Current is { Recorded: true } current ? current : null;

    /// <summary>Says on the current span which ticket it is about.</summary>
    public static void TagTicket(Guid ticketId)
    {
        if (_source.HasListeners() && Activity.Current is { IsAllDataRequested: true } current)
        {
            current.SetTag(TicketIdTag, ticketId.ToString());
        }
    }

    /// <summary>Starts a span of one ticket.</summary>
    /// <param name="name">Its name, of few different ones.</param>
    /// <param name="traceParent">The ticket's; null for one that is not traced.</param>
    /// <param name="nearer">A span that leads here, such as the message's delivery: the parent if of the same trace, else linked.</param>
    /// <returns>Null if the ticket is not traced.</returns>
    public static Activity? Start(string name, string? traceParent, ActivityContext nearer = default)
    {
        var ticket = Parse(traceParent);
        if (ticket == default)
        {
            return null;
        }

        return nearer.TraceId == ticket.TraceId
            ? _source.StartActivity(name, ActivityKind.Internal, nearer)
            : _source.StartActivity(
                name, ActivityKind.Internal, ticket, links: nearer.TraceId == default ? null : [new ActivityLink(nearer)]);
    }

    /// <summary>Starts a span of work that several tickets share, by what their rows or messages say.</summary>
    /// <inheritdoc cref="StartShared(string, IEnumerable{ActivityContext})"/>
    public static Activity? StartShared(string name, IEnumerable<string?> traceParents) => StartShared(name, traceParents.Select(Parse));

    /// <summary>Starts a span of work that tickets share: part of a lone ticket's trace, linked to the tickets of a batch.</summary>
    /// <returns>Null if none of them is traced; nothing is then traced in the caller's flow, whatever called it.</returns>
    public static Activity? StartShared(string name, IEnumerable<ActivityContext> tickets)
    {
        // A loop serves anyone who comes: the caller that woke it is not what it works for.
        if (Activity.Current is not null)
        {
            Activity.Current = null;
        }

        if (!_source.HasListeners())
        {
            return null;
        }

        var size = 0;
        List<ActivityLink>? links = null;
        foreach (var ticket in tickets)
        {
            size++;
            // Those of one request come one behind the other.
            if (ticket != default && (links is null || (links.Count < MaxLinks && links[^1].Context != ticket)))
            {
                (links ??= []).Add(new(ticket));
            }
        }

        if (links is null)
        {
            return null;
        }

        if (size == 1)
        {
            return _source.StartActivity(name, ActivityKind.Internal, links[0].Context);
        }

        return _source
            .StartActivity(name, ActivityKind.Internal, parentContext: default, links: links)?
            .SetTag("ticketapp.batch.size", size);
    }

    private static ActivityContext Parse(string? traceParent) =>
        traceParent is not null && ActivityContext.TryParse(traceParent, null, isRemote: true, out var context) ? context : default;
}

using System.Diagnostics;
using TicketApp.Messaging.Tracing;
using TicketApp.ServiceDefaults;

namespace TicketApp.Tests.Telemetry.Unit;

/// <summary>Spans of work that several tickets share.</summary>
public sealed class SharedSpanTests : IDisposable
{
    private readonly ActivityListener _listener = new()
    {
        ShouldListenTo = source => source.Name == TelemetryNames.App,
        Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
    };

    public SharedSpanTests() => ActivitySource.AddActivityListener(_listener);

    public void Dispose() => _listener.Dispose();

    [Fact]
    public void Work_for_untraced_tickets_has_no_span_not_even_its_callers()
    {
        using var caller = new Activity("caller").Start();

        Assert.Null(TicketTrace.StartShared("work", [null, null]));

        Assert.Null(Activity.Current);
    }

    [Fact]
    public void Work_for_a_lone_ticket_is_part_of_its_trace()
    {
        var ticket = Ticket();

        using var span = TicketTrace.StartShared("work", [TraceParent(ticket)]);

        Assert.Equal((ticket.TraceId, ticket.SpanId), (span!.TraceId, span.ParentSpanId));
        Assert.Empty(span.Links);
    }

    [Fact]
    public void Work_for_many_links_to_each_traced_one_once()
    {
        ActivityContext one = Ticket(), other = Ticket();

        using var span = TicketTrace.StartShared("work", [one, one, default, one, other]);

        Assert.Equal([one.SpanId, other.SpanId], span!.Links.Select(link => link.Context.SpanId));
        Assert.Equal(default, span.ParentSpanId);
        Assert.Equal(5, span.GetTagItem("ticketapp.batch.size"));
    }

    [Fact]
    public void Links_are_bounded()
    {
        using var span = TicketTrace.StartShared("work", Enumerable.Range(0, 100).Select(_ => Ticket()));

        Assert.Equal(64, span!.Links.Count());
        Assert.Equal(100, span.GetTagItem("ticketapp.batch.size"));
    }

    private static ActivityContext Ticket() =>
        new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);

    private static string TraceParent(ActivityContext ticket) => $"00-{ticket.TraceId}-{ticket.SpanId}-01";
}

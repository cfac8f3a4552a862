using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost;

/// <summary>What a ticket leaves in traces and logs, as the dashboard receives it from the running app.</summary>
[Collection(AspireCollection.Name)]
public sealed class TicketTraceTests(AspireApp app)
{
    private const string RunTicket = "run ticket";
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task A_ticket_is_one_connected_trace_over_both_processes()
    {
        var spans = await SpansAsync(await app.CreateTicketAsync("""{"seed":1}"""), spans => Named(spans, "record reports").Any());

        var request = spans.Single(span => span.ParentId is null);
        Assert.Equal("POST /v1/tickets", request.Name);
        Assert.Equal("POST", request.Attributes["http.request.method"]);
        Assert.Equal("/v1/tickets", request.Attributes["http.route"]);
        Assert.Equal("201", request.Attributes["http.response.status_code"]);
        // The AppHost probes all the time.
        Assert.Empty(Span.Read(await app.TelemetryAsync("spans?search=/health")));
        Assert.Equal("POST /v1/tickets", Parent(spans, "store tickets"));
        Assert.Contains(Named(spans, "postgresql"), span => ParentOf(spans, span) == "store tickets");
        Assert.Equal("POST /v1/tickets", Parent(spans, "dispatch tickets"));
        Assert.Equal("dispatch tickets", Parent(spans, "publish tickets"));
        Assert.Equal("publish tickets", Parent(spans, "deliver tickets"));
        Assert.Equal("deliver tickets", Parent(spans, RunTicket));
        Assert.Equal(RunTicket, Parent(spans, "send reports"));
        Assert.Equal("send reports", Parent(spans, "publish responses"));
        Assert.Equal("publish responses", Parent(spans, "deliver responses"));
        Assert.Equal(RunTicket, Parent(spans, "record reports"));
        Assert.Contains(Named(spans, "postgresql"), span => ParentOf(spans, span) == "record reports");
        Assert.Equal(["api", "worker"], spans.Select(span => span.Resource).Distinct().Order());
    }

    [Fact]
    public async Task After_its_worker_was_killed_a_ticket_continues_in_the_same_trace()
    {
        var ticketId = await app.CreateTicketAsync("""{"seconds":6}""");
        // It was said to run, and the spans of that have arrived: those that a process has when it is killed are lost with it.
        await SpansAsync(ticketId, spans => Named(spans, "deliver responses").Any());
        var workers = app.InstancesOf("worker");
        foreach (var worker in workers)
        {
            using var process = Process.GetProcessById(Convert.ToInt32(
                worker.Snapshot.Properties.Single(property => property.Name == "executable.pid").Value, CultureInfo.InvariantCulture));
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        foreach (var worker in workers)
        {
            await app.App.ResourceNotifications.WaitForResourceAsync(
                worker.Resource.Name,
                update => update.ResourceId == worker.ResourceId && update.Snapshot.ExitCode is not null,
                TestContext.Current.CancellationToken);
            await app.ExecuteAsync(worker.ResourceId, KnownResourceCommands.StartCommand);
        }

        var spans = await SpansAsync(
            ticketId, spans => Named(spans, "record reports").Any(span => ParentOf(spans, span) == RunTicket), isWhole: false);

        Assert.Equal(2, Named(spans, "dispatch tickets").Count());
        var run = Named(spans, RunTicket).Single();
        Assert.Equal("2", run.Attributes["ticketapp.attempt"]);
        Assert.Equal(["deliver tickets", "publish tickets", "dispatch tickets", "POST /v1/tickets"], Ancestors(spans, run));
    }

    [Fact]
    public async Task What_fails_is_told_without_what_was_asked_and_spans_are_those_of_the_table()
    {
        var secret = Guid.NewGuid().ToString("N");
        var ticketId = await app.CreateTicketAsync($$"""{"seed":1,"fail":"{{secret}}"}""");
        var spans = await SpansAsync(ticketId, spans => Named(spans, RunTicket).Count() == 3);

        Assert.All(Named(spans, RunTicket), span => Assert.True(span.IsError));
        Assert.Equal(["1", "2", "3"], Named(spans, RunTicket).Select(span => span.Attributes["ticketapp.attempt"]).Order());
        await Eventually.IsTrueAsync("logs of the trace", _limit, async () =>
            (await app.TelemetryAsync($"logs?traceId={spans[0].TraceId}")).ToJsonString().Contains(ticketId, StringComparison.Ordinal));

        var documented = Documents.Table("docs/telemetry.md", "| span |").Select(cells => cells[0].Trim('`')).ToHashSet();
        Assert.Subset(documented, spans.Where(span => span.Scope == "TicketApp").Select(span => span.Name).ToHashSet());
    }

    private async Task<Span[]> SpansAsync(string ticketId, Func<Span[], bool> isComplete, bool isWhole = true) =>
        await Eventually.GetAsync($"trace of ticket {ticketId}", _limit, async () =>
        {
            if (Span.Read(await app.TelemetryAsync($"traces?search={ticketId}")).FirstOrDefault() is not { } any)
            {
                return null;
            }

            Span[] spans = [.. Span.Read(await app.TelemetryAsync($"spans?traceId={any.TraceId}&limit=1000"))];
            var ids = spans.Select(span => span.Id).ToHashSet();
            // Processes export each at its own time: children can come before their parents.
            var hasAllParents = spans.All(span => span.ParentId is null || ids.Contains(span.ParentId));
            return isComplete(spans) && (hasAllParents || !isWhole) ? spans : null;
        });

    private static IEnumerable<Span> Named(IEnumerable<Span> spans, string name) => spans.Where(span => span.Name == name);

    private static string Parent(Span[] spans, string name) => ParentOf(spans, Named(spans, name).First())!;

    private static string? ParentOf(Span[] spans, Span span) => spans.SingleOrDefault(parent => parent.Id == span.ParentId)?.Name;

    private static IEnumerable<string> Ancestors(Span[] spans, Span span)
    {
        while (span.ParentId is { } id)
        {
            span = spans.Single(parent => parent.Id == id);
            yield return span.Name;
        }
    }

    private sealed record Span(
        string Resource,
        string Scope,
        string TraceId,
        string Id,
        string? ParentId,
        string Name,
        bool IsError,
        IReadOnlyDictionary<string, string> Attributes)
    {
        private const int Error = 2;

        public static IEnumerable<Span> Read(JsonNode data) =>
            from ofResource in Items(data["resourceSpans"])
            from ofScope in Items(ofResource["scopeSpans"])
            from span in Items(ofScope["spans"])
            select new Span(
                AttributesOf(ofResource["resource"]!)["service.name"],
                ofScope["scope"]?["name"]?.GetValue<string>() ?? "",
                span["traceId"]!.GetValue<string>(),
                span["spanId"]!.GetValue<string>(),
                span["parentSpanId"]?.GetValue<string>() is { Length: > 0 } parent ? parent : null,
                span["name"]!.GetValue<string>(),
                span["status"]?["code"]?.GetValue<int>() == Error,
                AttributesOf(span));

        private static Dictionary<string, string> AttributesOf(JsonNode node) =>
            Items(node["attributes"]).ToDictionary(
                attribute => attribute["key"]!.GetValue<string>(),
                attribute => attribute["value"]!.AsObject().First().Value!.ToString());

        private static IEnumerable<JsonNode> Items(JsonNode? array) => (array as JsonArray ?? []).Select(item => item!);
    }
}

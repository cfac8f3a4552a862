using System.Diagnostics;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Dashboard;

/// <summary>What a ticket leaves in traces, metrics and logs, as the dashboard receives it from the running app.</summary>
[Collection(DashboardCollection.Name)]
public sealed class TicketTraceTests(DashboardFixture dashboard)
{
    private const string RunTicket = "run ticket";
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task A_ticket_is_one_connected_trace_over_both_processes()
    {
        var spans = await SpansAsync(await dashboard.CreateTicketAsync("""{"seed":1}"""), spans => Named(spans, "record reports").Any());

        AssertConnected(spans);
        var request = spans.Single(span => span["parentId"] is null);
        Assert.Equal("POST /v1/tickets", Text(request["name"]));
        Assert.Equal("POST", Attribute(request, "http.request.method"));
        Assert.Equal("/v1/tickets", Attribute(request, "http.route"));
        Assert.Equal("201", Attribute(request, "http.response.status_code"));
        // The AppHost probes all the time.
        Assert.Empty((await dashboard.GetAsync("/api/traces?text=/health")).AsArray());
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
        Assert.Equal(["api", "worker"], spans.Select(span => Text(span["source"])).Distinct().Order());
    }

    [Fact]
    public async Task After_its_worker_was_killed_a_ticket_goes_on_in_the_same_trace()
    {
        var ticketId = await dashboard.CreateTicketAsync("""{"seconds":6}""");
        // It was said to run, and the spans of that have arrived: those that a process has when it is killed are lost with it.
        await SpansAsync(ticketId, spans => Named(spans, "deliver responses").Any());
        foreach (var worker in (await dashboard.ResourcesAsync()).Where(resource => Text(resource!["name"]) == "worker"))
        {
            using var process = Process.GetProcessById(worker!["processId"]!.GetValue<int>());
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        foreach (var worker in await dashboard.InstancesAsync("worker"))
        {
            await Eventually.GetAsync<object>("start of the worker", _limit, async () => await dashboard.TryExecuteAsync(worker, "start") ? new object() : null);
        }

        var spans = await SpansAsync(ticketId, spans => Named(spans, "record reports").Any(span => ParentOf(spans, span) == RunTicket), isWhole: false);

        Assert.Equal(2, Named(spans, "dispatch tickets").Count());
        var run = Named(spans, RunTicket).Single();
        Assert.Equal("2", Attribute(run, "ticketapp.attempt"));
        Assert.Equal(["deliver tickets", "publish tickets", "dispatch tickets", "POST /v1/tickets"], Ancestors(spans, run));
    }

    [Fact]
    public async Task What_fails_is_told_without_what_was_asked_and_names_are_those_of_the_tables()
    {
        var secret = Guid.NewGuid().ToString("N");
        var ticketId = await dashboard.CreateTicketAsync($$"""{"seed":1,"fail":"{{secret}}"}""");
        var spans = await SpansAsync(ticketId, spans => Named(spans, RunTicket).Count() == 3);

        Assert.All(Named(spans, RunTicket), span => Assert.True(span["isError"]!.GetValue<bool>()));
        Assert.Equal(["1", "2", "3"], Named(spans, RunTicket).Select(span => Attribute(span, "ticketapp.attempt")).Order());
        var traceId = await TraceIdAsync(ticketId);
        var logs = await Eventually.GetAsync("logs of the trace", _limit, async () =>
            (await dashboard.GetAsync($"/api/logs?trace={traceId}"))["logs"]!.AsArray() is { Count: >= 3 } found ? found : null);
        Assert.Contains(logs, log => Text(log!["message"]).Contains(ticketId, StringComparison.Ordinal));

        var documented = Documents.Table("docs/telemetry.md", "| span |").Select(cells => cells[0].Trim('`')).ToHashSet();
        Assert.Subset(documented, spans.Where(span => Text(span["scope"]) == "TicketApp").Select(span => Text(span["name"])).ToHashSet());

        var instruments = Documents.Table("docs/telemetry.md", "| instrument |").Select(cells => cells[0].Trim('`')).ToHashSet();
        var sent = await Eventually.GetAsync("metrics", _limit, async () =>
        {
            var names = (await dashboard.GetAsync("/api/metrics")).AsArray().Where(metric => Text(metric!["meter"]) == "TicketApp").Select(metric => Text(metric!["name"])).ToHashSet();
            return names.Contains("ticketapp.attempts.retried") && names.Contains("ticketapp.tickets.finished") && names.Contains("ticketapp.run.duration") ? names : null;
        });
        Assert.Subset(instruments, sent);
        Assert.Superset(
            new HashSet<string>
            {
                "ticketapp.tickets.created", "ticketapp.tickets.queued", "ticketapp.tickets.running", "ticketapp.tickets.oldest.age", "ticketapp.workers", "ticketapp.slots",
                "ticketapp.dispatch.window", "ticketapp.dispatch.duration", "ticketapp.batch.size", "ticketapp.broker.restarts",
            },
            sent);
    }

    private async Task<JsonNode[]> SpansAsync(string ticketId, Func<JsonNode[], bool> isComplete, bool isWhole = true) =>
        await Eventually.GetAsync($"trace of ticket {ticketId}", _limit, async () =>
        {
            if (await FindTraceAsync(ticketId) is not { } traceId)
            {
                return null;
            }

            JsonNode[] spans = [.. (await dashboard.GetAsync($"/api/traces/{traceId}"))["spans"]!.AsArray().Select(span => span!)];
            var ids = spans.Select(span => Text(span["id"])).ToHashSet();
            // Processes export each at its own time: children can come before their parents.
            return isComplete(spans) && (!isWhole || spans.All(span => span["parentId"] is not { } parent || ids.Contains(Text(parent)))) ? spans : null;
        });

    private async Task<string> TraceIdAsync(string ticketId) => await FindTraceAsync(ticketId) ?? throw new InvalidOperationException("No trace.");

    private async Task<string?> FindTraceAsync(string ticketId) =>
        (await dashboard.GetAsync($"/api/traces?text={ticketId}")).AsArray() is [{ } trace, ..] ? Text(trace["id"]) : null;

    private static void AssertConnected(JsonNode[] spans)
    {
        Assert.Single(spans, span => span["parentId"] is null);
        var ids = spans.Select(span => Text(span["id"])).ToHashSet();
        Assert.All(spans.Where(span => span["parentId"] is not null), span => Assert.Contains(Text(span["parentId"]), ids));
    }

    private static IEnumerable<JsonNode> Named(IEnumerable<JsonNode> spans, string name) => spans.Where(span => Text(span["name"]) == name);

    private static string Parent(JsonNode[] spans, string name) => ParentOf(spans, Named(spans, name).First())!;

    private static string? ParentOf(JsonNode[] spans, JsonNode span) =>
        spans.SingleOrDefault(parent => span["parentId"] is { } id && Text(parent["id"]) == Text(id)) is { } found ? Text(found["name"]) : null;

    private static IEnumerable<string> Ancestors(JsonNode[] spans, JsonNode span)
    {
        while (span["parentId"] is { } id)
        {
            span = spans.Single(parent => Text(parent["id"]) == Text(id));
            yield return Text(span["name"]);
        }
    }

    private static string Attribute(JsonNode span, string key) =>
        Text(span["attributes"]!.AsArray().Single(attribute => Text(attribute!["key"]) == key)!["value"]);

    private static string Text(JsonNode? node) => node!.GetValue<string>();
}

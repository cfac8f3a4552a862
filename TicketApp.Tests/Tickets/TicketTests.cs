using System.Net;
using System.Net.ServerSentEvents;
using System.Text;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Tickets;

/// <summary>Tickets of the resource API: making one, looking at it, and what is wrong with what was sent.</summary>
[Collection(AppCollection.Name)]
public sealed class TicketTests(AppFixture app)
{
    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task A_ticket_is_shown_whole_from_its_creation_to_its_end()
    {
        var user = await Api.CreateUserAsync();
        var created = await Api.PostAsync("/v1/tickets", $$"""
            {"user_id":"{{user}}","model":"simulated","priority":"high",
             "policy":{"deadline_s":60,"queue_ttl_s":50,"execution_timeout_s":40} }
            """);

        Assert.Equal(HttpStatusCode.Created, created.Status);
        Assert.Equal($"/v1/tickets/{created.Id}", created.Headers.Location?.ToString());
        var shown = created.Json;
        Assert.Equal(
            (user, "queued", "simulated", "high"),
            ((string?)shown["user_id"], created.TicketStatus, (string?)shown["model"], (string?)shown["priority"]));
        Assert.Equal(TimeSpan.FromSeconds(60), (DateTimeOffset)shown["expires_at"]! - (DateTimeOffset)shown["created_at"]!);
        Assert.InRange(created.Json["queue"]!["position"]!.GetValue<int>(), 1, 1000);

        var finished = await Api.FinishAsync(created.Id);
        Assert.Equal("succeeded", finished.TicketStatus);
        Assert.Contains(finished.Json["response"]!.GetValue<string>(), new[] { "Happy message", "Sad message" });
        Assert.Null(finished.Json["error"]);
        Assert.Null(finished.Json["queue"]);
        Assert.Equal(1, finished.Json["attempt"]!.GetValue<int>());
        Assert.True(finished.Json["created_at"]!.GetValue<DateTimeOffset>() <= finished.Json["started_at"]!.GetValue<DateTimeOffset>());
        Assert.Equal($"/v1/tickets/{created.Id}/events", finished.Json["urls"]!["events"]!.GetValue<string>());
    }

    [Fact]
    public async Task Both_apis_show_the_same_tickets()
    {
        var old = await app.CreateTicketAsync(await app.CreateUserAsync());
        var response = (await Api.FinishAsync(old)).Json["response"]!.GetValue<string>();

        Assert.Equal(response, await app.FinishAsync(old));
    }

    [Theory]
    [InlineData("""{"user_id":"USER","priority":"urgent"}""", "invalid-request", "priority")]
    [InlineData("""{"user_id":"USER","priority":1}""", "invalid-request", "priority")]
    [InlineData("""{"user_id":"USER","priorty":"high"}""", "invalid-request", "priorty")]
    [InlineData("""{"user_id":"USER","model":"oracle"}""", "unknown-model", "model")]
    [InlineData("""{"user_id":"USER","input":"a\u0000b"}""", "invalid-request", "input")]
    [InlineData("""{"user_id":"USER","input":"a\ud800"}""", "invalid-request", "input")]
    [InlineData("""{"user_id":"USER","input":{"a":"NESTED"}}""", "invalid-request", "input")]
    [InlineData("""{"user_id":"USER","priority":"low","priority":"low"}""", "invalid-request", "priority")]
    [InlineData("""{"user_id":"USER","policy":{"deadline_s":1,"deadline_s":2}}""", "invalid-request", "policy.deadline_s")]
    [InlineData("""{"user_id":"USER","policy":{"deadline_s":0}}""", "invalid-request", "policy.deadline_s")]
    [InlineData("""{"user_id":"USER","policy":{"deadline_s":1.5}}""", "invalid-request", "policy.deadline_s")]
    [InlineData("""{"user_id":"USER","policy":{"queue_ttl_s":99999999999}}""", "invalid-request", "policy.queue_ttl_s")]
    [InlineData("""{"user_id":"USER","policy":{"execution_timeout_s":86401}}""", "invalid-request", "policy.execution_timeout_s")]
    [InlineData("""{"user_id":"USER","policy":{"patience":1}}""", "invalid-request", "policy.patience")]
    [InlineData("""{}""", "invalid-request", "user_id")]
    [InlineData("""{"user_id":17}""", "invalid-request", "user_id")]
    public async Task A_field_that_is_wrong_is_named(string body, string problem, string field)
    {
        body = body
            .Replace("USER", await Api.CreateUserAsync(), StringComparison.Ordinal)
            .Replace("\"NESTED\"", new string('[', 64) + new string(']', 64), StringComparison.Ordinal);
        var answer = await Api.PostAsync("/v1/tickets", body);

        Assert.Contains(field, answer.Problem(HttpStatusCode.BadRequest, problem)["errors"]!.AsObject().Select(error => error.Key));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("\"text\"")]
    [InlineData("{\"user_id\":\"a\",\"user_id\":\"a\"}")]
    [InlineData("{\"user_id\":\"a\",\"\\ud800\":1}")]
    public async Task A_body_that_is_no_ticket_is_refused(string body)
    {
        (await Api.PostAsync("/v1/tickets", body)).Problem(HttpStatusCode.BadRequest, "invalid-request");
    }

    [Fact]
    public async Task Everything_that_is_wrong_is_said_at_once()
    {
        var answer = await Api.PostAsync("/v1/tickets", """{"model":"oracle","priority":"urgent","policy":{"deadline_s":-1}}""");

        Assert.Equal(
            ["model", "policy.deadline_s", "priority", "user_id"],
            answer.Problem(HttpStatusCode.BadRequest, "unknown-model")["errors"]!.AsObject().Select(error => error.Key));
        Assert.Contains("simulated", answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("00000000-0000-7000-8000-000000000000")]
    [InlineData("nobody")]
    public async Task A_ticket_of_nobody_is_refused(string user)
    {
        (await Api.CreateTicketAsync(user)).Problem(HttpStatusCode.NotFound, "user-not-found");
    }

    [Theory]
    [InlineData("00000000-0000-7000-8000-000000000000")]
    [InlineData("nothing")]
    public async Task A_ticket_that_is_not_there_is_not_found(string id)
    {
        (await Api.GetAsync($"/v1/tickets/{id}")).Problem(HttpStatusCode.NotFound, "ticket-not-found");
        (await Api.GetAsync($"/v1/tickets/{id}/events")).Problem(HttpStatusCode.NotFound, "ticket-not-found");
    }

    [Fact]
    public async Task Sizes_and_types_of_bodies_are_bounded()
    {
        var user = await Api.CreateUserAsync();
        using StringContent form = new($$"""{"user_id":"{{user}}"}""", Encoding.UTF8, "text/plain");
        (await Api.SendAsync(HttpMethod.Post, "/v1/tickets", form)).Problem(HttpStatusCode.UnsupportedMediaType, "not-json");
        var tooLong = $$"""{"user_id":"{{user}}","input":"{{new string('x', (32 * 1024) + 1)}}"}""";
        (await Api.PostAsync("/v1/tickets", tooLong)).Problem(HttpStatusCode.BadRequest, "invalid-request");
        (await Api.PostAsync("/v1/tickets", new string(' ', 70 * 1024))).Problem(HttpStatusCode.RequestEntityTooLarge, "too-large");
    }

    [Theory]
    [InlineData("GET", "/v1/nowhere", HttpStatusCode.NotFound, "no-such-path")]
    [InlineData("DELETE", "/v1/users", HttpStatusCode.MethodNotAllowed, "method-not-allowed")]
    public async Task What_is_not_there_is_a_problem(string method, string path, HttpStatusCode status, string problem)
    {
        (await Api.SendAsync(new HttpMethod(method), path, null)).Problem(status, problem);
    }

    [Fact]
    public async Task A_finished_ticket_is_sent_once_to_who_keeps_it()
    {
        var ticket = (await Api.CreateTicketAsync(await Api.CreateUserAsync())).Id;
        var first = await Api.FinishAsync(ticket);
        var tag = first.Headers.ETag!;
        Assert.False(tag.IsWeak);

        var again = await Api.GetAsync($"/v1/tickets/{ticket}", ("If-None-Match", $"\"other\", {tag}"));
        Assert.Equal((HttpStatusCode.NotModified, "", tag), (again.Status, again.Body, again.Headers.ETag));
        Assert.Equal(HttpStatusCode.OK, (await Api.GetAsync($"/v1/tickets/{ticket}", ("If-None-Match", "\"other\""))).Status);
        var head = await Api.SendAsync(HttpMethod.Head, $"/v1/tickets/{ticket}", null);
        Assert.Equal((HttpStatusCode.OK, "", tag), (head.Status, head.Body, head.Headers.ETag));
    }

    [Fact]
    public async Task A_listener_is_not_told_again_what_has_not_changed()
    {
        // Longer than the 5 s after which the place in the queue is looked at.
        var ticket = await app.CreateTicketAsync(await app.CreateUserAsync(), "simulated", """{"seconds":6}""");

        await using var stream = await app.Api.GetStreamAsync(
            new Uri($"/v1/tickets/{ticket}/events", UriKind.Relative), TestContext.Current.CancellationToken);
        List<SseItem<string>> events = [];
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(TestContext.Current.CancellationToken))
        {
            events.Add(item);
        }

        Assert.Equal("finished", events[^1].EventType);
        Assert.Equal(["started", "finished"], events.SkipWhile(told => told.EventType != "started").Select(told => told.EventType));
    }
}

using System.Net;
using System.Net.Http.Headers;
using System.Text;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Facades;

/// <summary>Requests to Replicate's API as no official client sends them, where calls need no keys.</summary>
[Collection(AppCollection.Name)]
public sealed class ReplicateRequestTests(AppFixture app) : ReplicateCaller(app)
{
    private const string Unknown = "01a205da-a612-79e7-be41-135fd85e6f9f";

    /// <summary>Bodies of POST /predictions, and the field that is at fault.</summary>
    public static TheoryData<string, string> BadBodies { get; } = new()
    {
        { """[]""", "body" },
        { """7""", "body" },
        { """{"input":{}}""", "version" },
        { """{"version":null,"input":{}}""", "version" },
        { """{"version":"","input":{}}""", "version" },
        { """{"version":7,"input":{}}""", "version" },
        { """{"version":"nothing","input":{}}""", "version" },
        { """{"version":"anyone/nothing:simulated","input":{}}""", "version" },
        { """{"version":"simulated","version":"simulated","input":{}}""", "version" },
        { """{"version":"simulated"}""", "input" },
        { """{"version":"simulated","input":null}""", "input" },
        { """{"version":"simulated","input":"text"}""", "input" },
        { """{"version":"simulated","input":[{}]}""", "input" },
        { """{"version":"simulated","input":true}""", "input" },
        { """{"version":"simulated","input":{},"model":"simulated"}""", "model" },
        { """{"version":"simulated","input":{},"stream":"yes"}""", "stream" },
        { """{"version":"simulated","input":{},"webhook":7}""", "webhook" },
        { """{"version":"simulated","input":{},"webhook":"somewhere"}""", "webhook" },
        { """{"version":"simulated","input":{},"webhook":"ftp://example.com/"}""", "webhook" },
        { """{"version":"simulated","input":{},"webhook_events_filter":"start"}""", "webhook_events_filter" },
        { """{"version":"simulated","input":{},"webhook_events_filter":["begin"]}""", "webhook_events_filter" },
        { """{"version":"simulated","input":{},"webhook_events_filter":[null]}""", "webhook_events_filter" },
    };

    public static TheoryData<string> BadTimes => ["", "soon", "0", "-5", "1.5m", "5m1h", "99h 3m", "99999h", "9999999999"];

    /// <summary>Requests that are refused whatever their body, and how.</summary>
    public static TheoryData<string, string, int> BadRequests { get; } = new()
    {
        { "GET", $"{Predictions}/{Unknown}", 404 },
        { "GET", $"{Predictions}/gm3qorzdhgbfurvjtvhg6dckhu", 404 },
        { "POST", $"{Predictions}/{Unknown}/cancel", 404 },
        { "GET", $"{Predictions}/{Unknown}/stream", 404 },
        { "GET", $"{Predictions}/{Unknown}/stream?token=AAAAAAAAAAAAAAAAAAAAAA", 404 },
        { "GET", "/replicate/v1/models/anyone/nothing", 404 },
        { "GET", "/replicate/v1/models/anyone/nothing/versions", 404 },
        { "GET", "/replicate/v1/models/anyone/simulated/versions/nothing", 404 },
        { "POST", "/replicate/v1/models/anyone/nothing/predictions", 404 },
        { "GET", "/replicate/v1/account", 404 },
        { "GET", "/replicate/v1", 404 },
        { "DELETE", $"{Predictions}/{Unknown}", 405 },
        { "POST", "/replicate/v1/models", 405 },
        { "QUERY", "/replicate/v1/models", 405 },
        { "POST", "/replicate/v1/files", 404 },
        { "GET", $"{Predictions}?cursor=nonsense", 400 },
        { "GET", $"{Predictions}?limit=5", 422 },
        { "GET", $"{Predictions}?created_after=yesterday", 422 },
        { "GET", $"{Predictions}?cursor=%00", 400 },
    };

    [Theory]
    [MemberData(nameof(BadBodies))]
    public async Task A_body_with_a_bad_field_is_422_and_names_it(string body, string field)
    {
        var answer = await Api.PostAsync(Predictions, body);

        Assert.Contains(field, Invalid(answer));
    }

    [Theory]
    [MemberData(nameof(BadTimes))]
    public async Task A_deadline_that_is_no_time_is_422(string time)
    {
        var answer = await Api.PostAsync(OfSimulated, """{"input":{}}""", ("Cancel-After", time));

        Assert.Equal(["Cancel-After"], Invalid(answer));
    }

    [Theory]
    [MemberData(nameof(BadRequests))]
    public async Task What_is_not_there_or_not_understood_is_refused_in_the_form_of_the_API(string method, string path, int status)
    {
        using StringContent? body = method == "POST" ? new("""{"input":{}}""", Encoding.UTF8, "application/json") : null;

        AssertError(status, await Api.SendAsync(new(method), path, body));
    }

    [Fact]
    public async Task All_that_is_wrong_is_told_at_once()
    {
        var answer = await Api.PostAsync(
            OfSimulated, """{"version":"simulated","input":7,"webhook_events_filter":["begin"]}""", ("Cancel-After", "soon"));

        Assert.Equal(["Cancel-After", "input", "version", "webhook_events_filter"], Invalid(answer));
    }

    [Fact]
    public async Task An_input_that_is_too_large_or_too_deep_is_422_and_a_body_that_is_413()
    {
        var deep = string.Concat(Enumerable.Repeat("{\"a\":", 70)) + "1" + new string('}', 70);

        Assert.Equal(["input"], Invalid(await Api.PostAsync(OfSimulated, OfLength(40_000))).Distinct());
        Assert.Equal(["input"], Invalid(await Api.PostAsync(OfSimulated, $$"""{"input":{{deep}} }""")));
        AssertError(413, await Api.PostAsync(OfSimulated, OfLength(70_000)));

        static string OfLength(int characters) => $$$"""{"input":{"a":"{{{new string('x', characters)}}}"}}""";
    }

    [Fact]
    public async Task A_body_that_is_no_JSON_is_400_and_one_that_is_not_declared_as_JSON_or_encoded_415()
    {
        AssertError(400, await Api.PostAsync(Predictions, "{"));
        AssertError(400, await Api.PostAsync(Predictions, ""));
        using StringContent text = new("{}", Encoding.UTF8, "text/plain");
        AssertError(415, await Api.SendAsync(HttpMethod.Post, Predictions, text));
        using StringContent encoded = new("{}", Encoding.UTF8, "application/json") { Headers = { ContentEncoding = { "gzip" } } };
        AssertError(415, await Api.SendAsync(HttpMethod.Post, Predictions, encoded));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer")]
    [InlineData("Bearer r8_key")]
    [InlineData("Token 01a205da-a612-79e7-be41-135fd85e6f9f")]
    public async Task Without_a_users_id_as_the_key_the_answer_says_that_it_is_wanted(string? authorization)
    {
        using HttpClient http = new() { BaseAddress = App.Api.BaseAddress };
        if (authorization is not null)
        {
            Assert.True(http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization));
        }

        var answer = await new ResourceClient(http).PostAsync(OfSimulated, """{"input":{}}""");

        AssertError(401, answer);
        Assert.Contains("id of a user", (string)answer.Json["detail"]!, StringComparison.Ordinal);
        Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
    }

    [Fact]
    public async Task An_id_of_no_user_is_no_key()
    {
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Unknown);

        AssertError(401, await Api.PostAsync(OfSimulated, """{"input":{}}"""));
        AssertError(401, await Api.GetAsync("/replicate/v1/webhooks/default/secret"));
        Assert.Empty((await Api.GetAsync(Predictions)).Results);
    }

    [Fact]
    public async Task A_prediction_of_another_user_is_not_there_but_with_the_token_of_its_stream()
    {
        var created = await CreateAsync("""{"input":{}}""");
        var stream = (string)created.Json["urls"]!["stream"]!;
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await App.CreateUserAsync());
        var other = await CreateAsync("""{"input":{}}""");

        AssertError(404, await Api.GetAsync($"{Predictions}/{created.Id}"));
        AssertError(404, await Api.PostAsync($"{Predictions}/{created.Id}/cancel", null));
        AssertError(404, await Api.GetAsync(stream.Replace(created.Id, other.Id, StringComparison.Ordinal)));
        AssertError(404, await Api.GetAsync(stream[..^1]));
        Assert.Equal([other.Id], (await Api.GetAsync(Predictions)).Results.Select(prediction => (string?)prediction!["id"]));
        Assert.Contains("event: done", (await Api.GetAsync(stream)).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_is_of_the_time_that_it_is_asked_for()
    {
        var created = await CreateAsync("""{"input":{}}""");

        var since = await Api.GetAsync($"{Predictions}?created_after=2026-01-01T00:00:00Z");
        var before = await Api.GetAsync($"{Predictions}?created_before=2026-01-01T00:00:00.000Z");

        Assert.Equal([created.Id], since.Results.Select(prediction => (string?)prediction!["id"]));
        Assert.Empty(before.Results);
        Assert.All(new[] { since, before }, page =>
        {
            Assert.Null(page.Json["next"]);
            Assert.Null(page.Json["previous"]);
        });
    }

    [Fact]
    public async Task A_wait_that_ends_first_is_202_with_a_prediction_that_starts()
    {
        ScriptedModel model = new();
        await using var worker = await TestWorker.StartAsync(App, model);

        var late = await Api.PostAsync(PathOf(model), """{"input":{"gate":"late","pieces":["late"]}}""", ("Prefer", "wait=1"));
        await CreateAsync("""{"input":{"open":"late"}}""", model);
        var inTime = await Api.PostAsync(PathOf(model), """{"input":{"pieces":["in time"]}}""", ("Prefer", "wait"));

        Assert.Equal((HttpStatusCode.Accepted, "starting"), (late.Status, late.TicketStatus));
        Assert.Equal((HttpStatusCode.Created, "succeeded"), (inTime.Status, inTime.TicketStatus));
        Assert.Equal("in time", (string?)inTime.Json["output"]);
        Assert.Equal("wait=60", inTime.Headers.GetValues("Preference-Applied").Single());
        Assert.Equal("late", (string?)(await FinishAsync(late.Id)).Json["output"]);
    }

    [Fact]
    public async Task A_prediction_is_canceled_or_aborted_when_its_deadline_is_over()
    {
        ScriptedModel model = new();
        await using var worker = await TestWorker.StartAsync(App, model);

        var created = await Api.PostAsync(PathOf(model), """{"input":{"hold":true}}""", ("Cancel-After", "1s"));
        var ended = await FinishAsync(created.Id);

        // A busy machine may not have started it by then.
        var ticket = await Api.GetAsync($"/v1/tickets/{created.Id}");
        var expected = ticket.TicketStatus == "timed_out" ? "canceled" : "aborted";
        var deadline = (DateTime)created.Json["deadline"]!;
        Assert.Equal(TimeSpan.FromSeconds(1), deadline - (DateTime)created.Json["created_at"]!);
        Assert.Equal((expected, deadline), (ended.TicketStatus, (DateTime)ended.Json["deadline"]!));
        Assert.NotNull(ended.Json["error"]);
    }

    [Fact]
    public async Task A_repetition_under_its_key_gives_the_same_prediction()
    {
        const string Body = """{"input":{"a":1}}""";
        var first = await CreateAsync(Body, headers: ("Idempotency-Key", "one"));
        var repeated = await CreateAsync(Body, headers: ("Idempotency-Key", "one"));
        var ofOtherModel = await Api.PostAsync(
            OfSimulated.Replace("simulated", "sentiment", StringComparison.Ordinal), Body, ("Idempotency-Key", "one"));

        Assert.Equal(first.Id, repeated.Id);
        Assert.Equal("true", repeated.Headers.GetValues("Idempotent-Replayed").Single());
        AssertError(422, ofOtherModel);
    }
}

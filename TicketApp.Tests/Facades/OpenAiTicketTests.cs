using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models;

namespace TicketApp.Tests.Facades;

/// <summary>What becomes of the tickets behind the requests.</summary>
[Collection(AppCollection.Name)]
public sealed class OpenAiTicketTests(AppFixture app) : IAsyncLifetime
{
    private const string Model = "openai-tickets";
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private ChatServer _server = null!;
    private TestWorker _worker = null!;
    private string _user = null!;

    private OpenAiClient Client => new(app.Api, _user);

    public async ValueTask InitializeAsync()
    {
        _server = await OpenAiClientTests.StartServerAsync();
        _worker = await OpenAiClientTests.StartWorkerAsync(app, _server, Model);
        _user = await app.CreateUserAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _worker.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("/responses", "")]
    [InlineData("/responses", ",\"stream\":true")]
    [InlineData("/chat/completions", "")]
    [InlineData("/chat/completions", ",\"stream\":true")]
    public async Task A_request_whose_caller_goes_away_takes_its_ticket_along(string path, string more)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var words = $"stall {Guid.NewGuid()}";
        var request = SendAsync(path, Body(path, words, more), patience.Token);
        await AskedAsync(words);

        await patience.CancelAsync();

        await AskedFor(words).Single().Closed.WaitAsync(_limit, Cancel);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        Assert.Equal("canceled", (await new ResourceClient(app.Api).FinishAsync(await TicketAsync())).TicketStatus);
    }

    [Fact]
    public async Task One_with_an_idempotency_key_finds_its_answer_when_it_comes_back()
    {
        const string Key = "comes-back";
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var body = Body("/chat/completions", "hold keyed", "");
        var request = SendAsync("/chat/completions", body, patience.Token, Key);
        await AskedAsync("hold keyed");
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);

        var second = SendAsync("/chat/completions", body, Cancel, Key);
        await Client.PostAsync("/chat/completions", Body("/chat/completions", "release keyed", ""));

        Assert.Contains("\"content\":\"Hello\"", await second, StringComparison.Ordinal);
        Assert.Single(AskedFor("hold keyed"));
    }

    [Fact]
    public async Task A_listener_that_leaves_a_response_in_the_background_leaves_it_running()
    {
        string? id = null;
        await foreach (var item in Client.ListenAsync(
            HttpMethod.Post, "/responses", Body("/responses", "hold left", ",\"stream\":true,\"background\":true")))
        {
            id ??= (string?)item["response"]?["id"];
            if ((string?)item["type"] == "response.output_text.delta")
            {
                break;
            }
        }

        await Client.PostAsync("/chat/completions", Body("/chat/completions", "release left", ""));

        Assert.Equal("Hello", await TextAsync(id!, after: null));
    }

    [Fact]
    public async Task A_response_that_waits_is_canceled_at_once()
    {
        await _worker.DisposeAsync();
        var begun = await Client.PostAsync("/responses", Body("/responses", "echo never", ",\"background\":true"));

        var canceled = await Client.PostAsync($"/responses/{begun.Id}/cancel", null);
        var types = new List<string?>();
        await foreach (var item in Client.ListenAsync(HttpMethod.Get, $"/responses/{begun.Id}?stream=true"))
        {
            types.Add((string?)item["type"]);
        }

        Assert.Equal("cancelled", canceled.TicketStatus);
        Assert.Equal(["response.created", "response.queued", "response.failed"], types);
        Assert.Equal("true", (await Client.SendAsync(HttpMethod.Delete, $"/responses/{begun.Id}")).Json["deleted"]!.ToJsonString());
    }

    [Fact]
    public async Task One_that_its_caller_waits_for_is_not_canceled_by_its_id()
    {
        await foreach (var item in Client.ListenAsync(HttpMethod.Post, "/responses", Body("/responses", "stall", ",\"stream\":true")))
        {
            var answer = await Client.PostAsync($"/responses/{item["response"]!["id"]}/cancel", null);

            OpenAiClient.AssertError(answer, 400, "not_in_background");
            break;
        }
    }

    [Fact]
    public async Task A_number_that_no_event_has_is_refused()
    {
        var id = (await Client.PostAsync("/responses", Body("/responses", "echo numbers", ""))).Id;
        foreach (var number in new[] { "x", "-1", "1.5", "99999999999", "99999999999999999999", "%2B1" })
        {
            OpenAiClient.AssertError(
                await Client.GetAsync($"/responses/{id}?stream=true&starting_after={number}"), 400, "invalid_value", "starting_after");
        }

        OpenAiClient.AssertError(await Client.GetAsync($"/responses/{id}?starting_after=1"), 400, "invalid_value", "starting_after");
        OpenAiClient.AssertError(await Client.GetAsync($"/responses/{id}?stream=yes"), 400, "invalid_value", "stream");
    }

    /// <summary>Numbers count UTF-16 units, of which an emoji has two.</summary>
    [Fact]
    public async Task Every_number_of_a_text_leads_to_the_rest_of_it()
    {
        const string Text = "a\U0001F600b";
        var id = (await Client.PostAsync("/responses", Body("/responses", $"echo {Text}", ""))).Id;
        var first = 0L;
        await foreach (var item in Client.ListenAsync(HttpMethod.Get, $"/responses/{id}?stream=true"))
        {
            first = (string?)item["type"] == "response.content_part.added" ? (long)item["sequence_number"]! : first;
        }

        Assert.Equal(
            [Text, "\U0001F600b", "\U0001F600b", "b", ""],
            await Task.WhenAll(Enumerable.Range(0, Text.Length + 1).Select(sent => TextAsync(id, first + sent))));
    }

    /// <summary>Callers of the two that wait are told to come back; the one that has a key finds its ticket.</summary>
    [Fact]
    public async Task A_server_that_stops_ends_what_waits_and_keeps_what_can_be_asked_for()
    {
        var port = AppProcesses.NextPort();
        await using var replica = AppProcesses.Service("api", "TicketApp.Api", port, new Dictionary<string, string>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ConnectionStrings__tickets"] = app.ApiDatabase,
            ["ConnectionStrings__rabbitmq"] = app.ApiBroker.ToString(),
        });
        await replica.StartAsync();
        using HttpClient http = AppProcesses.Client([port]);
        OpenAiClient stopping = new(http, _user);
        var lost = stopping.PostAsync("/responses", Body("/responses", "stall stopped", ""));
        var kept = stopping.PostAsync("/responses", Body("/responses", "hold stopped", ""), ("Idempotency-Key", "stopped"));
        TaskCompletionSource heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var streamed = ReadAsync(
            stopping.ListenAsync(
                HttpMethod.Post, "/responses", Body("/responses", "hold stopped", ",\"background\":true,\"stream\":true")),
            item => item["delta"] is not null && heard.TrySetResult());
        var asked = Eventually.IsTrueAsync("All are asked", _limit, () => AskedFor("stopped").Count() == 3);
        var first = await Task.WhenAny(asked, lost, kept, streamed);
        if (first is Task<ResourceAnswer> refused)
        {
            Assert.Fail((await refused).Body);
        }

        await first;
        await heard.Task.WaitAsync(_limit, Cancel);

        await replica.StopAsync();

        foreach (var answer in new[] { await lost, await kept })
        {
            // A request that has not begun to wait by then is refused its place.
            var code = (string?)answer.Json["error"]!["code"];
            OpenAiClient.AssertError(answer, 503, code == "overloaded" ? code : "unavailable");
            Assert.NotNull(answer.Headers.RetryAfter);
        }

        var told = await streamed;
        Assert.Equal("error", (string?)told[^1]["type"]);
        Assert.Equal((long)told[^2]["sequence_number"]!, (long)told[^1]["sequence_number"]!);
        await Client.PostAsync("/chat/completions", Body("/chat/completions", "release stopped", ""));
        Assert.Equal(
            "Hello",
            string.Concat(told.Select(item => (string?)item["delta"]))
                + await TextAsync((string)told[0]["response"]!["id"]!, (long)told[^1]["sequence_number"]!));
        var repeated = await Client.PostAsync("/responses", Body("/responses", "hold stopped", ""), ("Idempotency-Key", "stopped"));
        Assert.Equal("Hello", (string?)repeated.Json["output"]![0]!["content"]![0]!["text"]);
        await AskedFor("stall stopped").Single().Closed.WaitAsync(_limit, Cancel);
    }

    /// <summary>A worker in another language may do that.</summary>
    [Fact]
    public async Task A_model_that_answers_another_text_than_it_streamed_has_its_answer_at_the_end()
    {
        TaskCompletionSource heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ContraryModel model = new(heard.Task);
        await using var worker = await TestWorker.StartAsync(app, model);

        var events = await ReadAsync(
            Client.ListenAsync(
                HttpMethod.Post, "/responses", $$"""{"model":"{{model.Name}}","input":"x","stream":true}"""),
            item => (string?)item["type"] == "response.output_text.delta" ? heard.TrySetResult() : false);

        Assert.Equal("yes", (string?)events.Single(item => (string?)item["type"] == "response.output_text.delta")["delta"]);
        Assert.Equal("no", (string?)events.Single(item => (string?)item["type"] == "response.output_text.done")["text"]);
        var response = events[^1]["response"]!;
        Assert.Equal(("completed", "no"), ((string?)response["status"], (string?)response["output"]![0]!["content"]![0]!["text"]));
        Assert.Null(response["usage"]);
    }

    [Fact]
    public async Task The_models_kind_is_listed()
    {
        var models = await new ResourceClient(app.Api).GetAsync("/v1/models");

        Assert.Equal("chat", (string?)models.Results.Single(model => (string?)model!["name"] == Model)!["kind"]);
        Assert.Null(models.Results.Single(model => (string?)model!["name"] == "simulated")!["kind"]);
    }

    private static async Task<List<JsonNode>> ReadAsync(IAsyncEnumerable<JsonNode> stream, Func<JsonNode, bool>? heard = null)
    {
        List<JsonNode> events = [];
        await foreach (var item in stream)
        {
            events.Add(item);
            heard?.Invoke(item);
        }

        return events;
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static string Body(string path, string words, string more) => path == "/responses"
        ? $$"""{"model":"{{Model}}","input":"{{words}}"{{more}}}"""
        : $$"""{"model":"{{Model}}","messages":[{"role":"user","content":"{{words}}"}]{{more}}}""";

    /// <summary>Reads the whole answer of a request that its caller may give up.</summary>
    private async Task<string> SendAsync(string path, string body, CancellationToken patience, string? key = null)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, $"/openai/v1{path}");
        request.Headers.Authorization = new("Bearer", _user);
        request.Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        using var response = await app.Api.SendAsync(request, patience);
        return await response.Content.ReadAsStringAsync(patience);
    }

    private Task AskedAsync(string words) => Eventually.IsTrueAsync("The endpoint is asked", _limit, () => AskedFor(words).Any());

    /// <summary>Those of this test: a worker may be asked for tickets that the one before it has returned.</summary>
    private IEnumerable<ChatExchange> AskedFor(string words) =>
        _server.Exchanges.Where(exchange => exchange.Request.ToJsonString().Contains(words, StringComparison.Ordinal));

    /// <summary>The user's ticket.</summary>
    private async Task<string> TicketAsync() =>
        (string)(await new ResourceClient(app.Api).GetAsync($"/v1/tickets?user_id={_user}")).Results.Single()!["id"]!;

    /// <summary>What the deltas after a number come to.</summary>
    private async Task<string> TextAsync(string id, long? after)
    {
        var text = "";
        await foreach (var item in Client.ListenAsync(
            HttpMethod.Get, $"/responses/{id}?stream=true{(after is null ? "" : $"&starting_after={after}")}"))
        {
            text += (string?)item["type"] == "response.output_text.delta" ? (string?)item["delta"] : "";
        }

        return text;
    }

    private sealed class ContraryModel(Task heard) : TestModel((_, _) => Task.FromResult("no")), IModel
    {
        string? IModel.Kind => "chat";

        async ValueTask<ModelAnswer> IModel.RunAsync(ModelRun run, CancellationToken cancellationToken)
        {
            run.Progress.Report(new(Text: "yes"));
            await heard.WaitAsync(cancellationToken);
            return "no";
        }
    }
}

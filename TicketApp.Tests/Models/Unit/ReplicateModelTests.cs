using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models;

namespace TicketApp.Tests.Models.Unit;

/// <summary>Models of the kind <c>replicate-http</c>, with a server that does as a container of Cog's.</summary>
public sealed class ReplicateModelTests
{
    private const string Succeeded = """{"id":"x","status":"succeeded","output":{"n":1.0},"metrics":{"predict_time":0.5}}""";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_prediction_has_an_id_of_its_attempt_and_tells_what_it_took()
    {
        await using var server = await StartAsync(exchange => exchange.AnswerAsync(Succeeded));
        using var host = await HostAsync(server);
        var run = host.Run(new Payload("""{"prompt":"hi","n":2.0}""", IsJson: true));

        var answer = await host.Model.RunAsync(run, Cancel);

        Assert.Equal(new Payload("""{"n":1.0}""", IsJson: true), answer.Response);
        Assert.Equal("""{"metrics":{"predict_time":0.5}}""", answer.Details!.ToJsonString());
        var asked = Assert.Single(server.Asked);
        Assert.Equal(("PUT", $"/predictions/{run.TicketId:N}-1"), (asked.Method, asked.Path));
        Assert.Equal("""{"input":{"prompt":"hi","n":2.0}}""", asked.Body);
    }

    [Fact]
    public async Task What_a_model_yields_and_how_far_it_says_it_is_are_progress()
    {
        await using var server = await StartAsync(async exchange =>
        {
            Assert.Equal("text/event-stream", exchange.Headers["Accept"]);
            exchange.Response.ContentType = "text/event-stream";
            await exchange.WriteAsync(
                """
                event: start
                data: {"status":"processing"}

                event: output
                data: {"chunk":"Onions","index":0}

                event: log
                data: {"source":"stderr","data":"  5%|#    | 1/20\r 25%|##   | 5/20"}

                event: metric
                data: not even JSON

                event: output
                data: {"chunk":" bloom","index":1}

                event: completed
                data: {"status":"succeeded","output":["Onions"," bloom"]}


                """);
            await exchange.StallAsync();
        });
        using var host = await HostAsync(server);

        var answer = await host.RunAsync("hello", Cancel);

        Assert.Equal("""["Onions"," bloom"]""", answer.Response.Text);
        Assert.Equal(["Onions", " bloom"], host.Progress);
        Assert.Equal([0.25], host.Fractions);
        Assert.Equal("""{"input":{"prompt":"hello"}}""", server.Asked[0].Body);
    }

    [Fact]
    public async Task A_model_that_does_not_stream_is_asked_for_a_stream_only_once()
    {
        await using var server = await StartAsync(exchange => exchange.Headers["Accept"] == "text/event-stream"
            ? exchange.AnswerAsync("{}", 406)
            : exchange.AnswerAsync(Succeeded));
        using var host = await HostAsync(server);

        await host.RunAsync("one", Cancel);
        await host.RunAsync("two", Cancel);

        Assert.Equal(3, server.Asked.Count);
    }

    [Theory]
    [InlineData("""{"status":"failed","error":"the-words-of-a-user"}""", "The prediction failed")]
    [InlineData("""{"status":"canceled"}""", "canceled in the container")]
    [InlineData("""{"status":"processing"}""", "no prediction that has ended")]
    [InlineData("""{"status":"succeeded","output":null}""", "null")]
    [InlineData("[]", "no prediction")]
    public async Task A_prediction_that_fails_fails_the_attempt(string prediction, string message)
    {
        await using var server = await StartAsync(exchange => exchange.AnswerAsync(prediction));
        using var host = await HostAsync(server);

        var exception = await Assert.ThrowsAsync<ModelException>(() => host.RunAsync("hello", Cancel));

        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("the-words-of-a-user", exception.ToString(), StringComparison.Ordinal);
        Assert.False(exception.IsFinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_run_that_is_told_to_stop_cancels_its_prediction(bool hasBegun)
    {
        await using var server = await StartAsync(async exchange =>
        {
            if (hasBegun)
            {
                exchange.Response.ContentType = "text/event-stream";
                await exchange.WriteAsync("event: output\ndata: {\"chunk\":\"Once\"}\n\n");
            }

            await exchange.StallAsync();
        });
        using var host = await HostAsync(server);
        using CancellationTokenSource stop = new();
        var run = host.RunAsync("hello", stop.Token, _limit);
        await Eventually.IsTrueAsync("It runs", _limit, () => hasBegun ? host.Progress.Count > 0 : server.Asked.Count > 0);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        Assert.Contains(server.Exchanges, exchange => (exchange.Method, exchange.Path) == ("POST", $"{server.Asked[0].Path}/cancel"));
    }

    [Fact]
    public async Task A_container_whose_slots_are_taken_is_asked_again()
    {
        var isFree = false;
        await using var server = await StartAsync(exchange =>
        {
            var isBusy = !isFree;
            isFree = true;
            return isBusy ? exchange.AnswerAsync("{}", 409) : exchange.AnswerAsync(Succeeded);
        });
        using var host = await HostAsync(server);

        Assert.NotNull(await host.RunAsync("hello", Cancel, _limit));
        Assert.Equal((2, 1), (server.Asked.Count, host.Model.Slots));
    }

    [Fact]
    public async Task An_input_that_is_no_object_is_refused_for_good()
    {
        await using var server = await StartAsync(exchange => exchange.AnswerAsync(Succeeded));
        using var host = await HostAsync(server);

        Assert.True((await Assert.ThrowsAsync<ModelException>(() => host.RunAsync(new Payload("[1]", IsJson: true), Cancel))).IsFinal);
        Assert.Empty(server.Asked);
    }

    [Theory]
    [InlineData("STARTING", false)]
    [InlineData("SETUP_FAILED", false)]
    [InlineData("DEFUNCT", false)]
    [InlineData("BUSY", true)]
    public async Task A_container_that_is_not_set_up_is_not_served(string status, bool isServed)
    {
        await using var server = await ModelServer.StartAsync(exchange => exchange.AnswerAsync($$"""{"status":"{{status}}"}"""));

        var exception = await Record.ExceptionAsync(() => HostAsync(server));

        Assert.Equal(isServed, exception is null);
    }

    [Fact]
    public async Task What_a_container_says_of_its_inputs_is_the_schema_of_the_input()
    {
        await using var server = await DescribedAsync(
            """
            {"openapi":"3.0.2","info":{"title":"Cog"},"paths":{},"components":{"schemas":{
            "Input":{"type":"object","title":"Input","required":["prompt"],"properties":{
                "prompt":{"type":"string","title":"Prompt","x-order":0,"description":"What to draw"},
                "scheduler":{"allOf":[{"$ref":"#/components/schemas/scheduler"}],"default":"DDIM","x-order":1},
                "seed":{"type":"integer","nullable":true,"x-order":2},
                "style":{"$ref":"#/components/schemas/scheduler","nullable":true,"title":"Style"}}},
            "scheduler":{"enum":["DDIM","K_EULER"],"type":"string","title":"scheduler"},
            "Output":{"type":"string"}}}}
            """);
        using var withText = await HostAsync(server);
        using var objects = await HostAsync(server, Setting("TextInput", null));
        using var own = await HostAsync(server, Setting("InputSchema", """{"title":"own"}"""));
        using var none = await HostAsync(server, Setting("InputSchema", "true"));

        Assert.Equal(
            """
            {"type":"object","title":"Input","required":["prompt"],"properties":{
            "prompt":{"type":"string","title":"Prompt","x-order":0,"description":"What to draw"},
            "scheduler":{"allOf":[{"$ref":"#/$defs/scheduler"}],"default":"DDIM","x-order":1},
            "seed":{"type":["integer","null"],"x-order":2},
            "style":{"title":"Style","anyOf":[{"$ref":"#/$defs/scheduler"},{"type":"null"}]}},
            "$defs":{"scheduler":{"enum":["DDIM","K_EULER"],"type":"string","title":"scheduler"}}}
            """.ReplaceLineEndings(""),
            objects.Model.Input.Schema!.Json);
        Assert.StartsWith("""{"type":["object","string"],""", withText.Model.Input.Schema!.Json, StringComparison.Ordinal);
        Assert.Equal("""{"title":"own"}""", own.Model.Input.Schema!.Json);
        Assert.Null(none.Model.Input.Schema);
    }

    [Theory]
    [InlineData("""{"components":{"schemas":{"Output":{}}}}""", null)]
    [InlineData("""{"components":{"schemas":{"Input":"text"}}}""", null)]
    [InlineData("[]", null)]
    [InlineData("<html>", "The endpoint's answer is not JSON")]
    [InlineData("""{"components":{"schemas":{"Input":{"properties":{"a":{},"a":{}}}}}}""", "")]
    [InlineData("""{"components":{"schemas":{"Input":{"description":"\ud800"}}}}""", "")]
    [InlineData(
        """{"components":{"schemas":{"Input":{"$ref":"#/components/schemas/None"}}}}""", "$ref leads to /$defs/None, where no schema is")]
    [InlineData(
        """{"components":{"schemas":{"Input":{"$ref":"#/components/schemas/Input"}}}}""", "refers to itself without end")]
    public async Task A_container_without_a_schema_that_can_be_used_is_served_without(string description, string? told)
    {
        await using var server = await DescribedAsync(description);

        using var host = await HostAsync(server);

        Assert.Null(host.Model.Input.Schema);
        Assert.Equal(told is not null, host.Log.Contains("not checked against the schema of its container", StringComparison.Ordinal));
        Assert.Contains(told ?? "", host.Log, StringComparison.Ordinal);
    }

    private static KeyValuePair<string, string?> Setting(string name, string? value) => new($"Models:test:{name}", value);

    private static Task<ModelServer> DescribedAsync(string description) => ModelServer.StartAsync(exchange =>
        exchange.AnswerAsync(exchange.Path == "/openapi.json" ? description : """{"status":"READY"}"""));

    private static Task<ModelServer> StartAsync(Func<ModelExchange, Task> predict) => ModelServer.StartAsync(exchange =>
        exchange.Method switch
        {
            "GET" => exchange.AnswerAsync("""{"status":"READY"}"""),
            "POST" => exchange.AnswerAsync("{}"),
            _ => predict(exchange),
        });

    private static async Task<ModelHost> HostAsync(ModelServer server, params KeyValuePair<string, string?>[] more)
    {
        KeyValuePair<string, string?>[] usual =
            [Setting("Kind", "replicate-http"), Setting("Url", server.Url), Setting("TextInput", "prompt")];
        ModelHost host = new(more.Concat(usual).DistinctBy(setting => setting.Key));
        await host.Model.WarmUpAsync(Cancel);
        return host;
    }
}

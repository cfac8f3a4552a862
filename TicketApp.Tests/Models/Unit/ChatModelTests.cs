using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models;
using TicketApp.Worker.Models.Chat;

namespace TicketApp.Tests.Models.Unit;

/// <summary>The chat model with an endpoint that behaves.</summary>
public sealed class ChatModelTests
{
    private const string Input = "What is \"it\"?\n\ud83d\ude0a";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_answer_grows_token_by_token_and_tells_what_it_took()
    {
        await using var server = await ChatServer.StartAsync(exchange => exchange.AnswerAsync("It", " is", " \\u00fcber \ud83d\ude0a"));
        using ChatHost chat = new(server.Url);

        var answer = await chat.RunAsync(Input, Cancel);

        Assert.Equal("It is \u00fcber \ud83d\ude0a", answer.Response.Text);
        Assert.Equal(["It", " is", " \u00fcber \ud83d\ude0a"], chat.Progress);
        Assert.Equal(
            """{"model":"test-model","finish_reason":"stop","input_tokens":11,"output_tokens":7}""",
            answer.Details!.ToJsonString());
        var asked = Assert.Single(server.Exchanges);
        Assert.Equal("Bearer test-key", asked.Authorization);
        Assert.Equal("""[{"role":"user","content":"What is \u0022it\u0022?\n\uD83D\uDE0A"}]""", asked.Request["messages"]!.ToJsonString());
        var options = asked.Request["stream_options"]!;
        Assert.Equal(
            ("test-model", true, true),
            ((string?)asked.Request["model"], (bool)asked.Request["stream"]!, (bool)options["include_usage"]!));
        Assert.False(asked.Request.ContainsKey("temperature") || asked.Request.ContainsKey("max_completion_tokens"));
    }

    [Fact]
    public async Task It_asks_as_its_settings_say_at_a_resource_of_the_app()
    {
        await using var server = await ChatServer.StartAsync(exchange => exchange.AnswerAsync("yes"));
        using ModelHost chat = new(
            new KeyValuePair<string, string?>("services:llm:http:0", server.Url),
            new("Models:llama:Kind", "chat"),
            new("Models:llama:Url", "https+http://llm"),
            new("Models:llama:Model", "small"),
            new("Models:llama:SystemPrompt", "Be brief."),
            new("Models:llama:Temperature", "0.5"),
            new("Models:llama:MaxOutputTokens", "100"),
            new("Models:llama:Slots", "3"));

        Assert.Equal("yes", (await chat.RunAsync("Well?", Cancel)).Response.Text);

        var asked = Assert.Single(server.Exchanges).Request;
        Assert.Equal("""[{"role":"system","content":"Be brief."},{"role":"user","content":"Well?"}]""", asked["messages"]!.ToJsonString());
        Assert.Equal(("small", 0.5, 100), ((string?)asked["model"], (double)asked["temperature"]!, (int)asked["max_completion_tokens"]!));
        // Whatever the worker's number for all models is.
        Assert.Equal(("llama", 3), (chat.Model.Name, chat.WorkerOptions.Slots["llama"]));
    }

    [Fact]
    public async Task Telemetry_counts_tokens_and_has_neither_prompt_nor_answer()
    {
        // Other tests, in this process too, have spans and measurements of their own.
        using var caller = new Activity("caller").Start();
        ConcurrentQueue<Activity> spans = [];
        using ActivityListener listener = new()
        {
            ShouldListenTo = source => source.Name == TelemetryNames.App,
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                if (span.TraceId == caller.TraceId)
                {
                    spans.Enqueue(span);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        ConcurrentQueue<(string Name, double Value, string? Type)> measured = [];
        using MeterListener meters = new()
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == TelemetryNames.App)
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        meters.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Measure(instrument, value, Tag(tags, "gen_ai.token.type")));
        meters.SetMeasurementEventCallback<double>((instrument, value, _, _) => Measure(instrument, value, null));
        meters.Start();
        await using var server = await ChatServer.StartAsync(exchange => exchange.AnswerAsync("answered words"));
        using ChatHost chat = new(server.Url);

        await chat.RunAsync("asked words", Cancel);

        var span = Assert.Single(spans, span => span.DisplayName == "chat test-model");
        var tags = span.TagObjects.ToDictionary(tag => tag.Key, tag => $"{tag.Value}");
        Assert.Equal(("chat", "openai"), (tags["gen_ai.operation.name"], tags["gen_ai.provider.name"]));
        Assert.Equal(("test-model", "served-model"), (tags["gen_ai.request.model"], tags["gen_ai.response.model"]));
        Assert.Equal(("11", "7"), (tags["gen_ai.usage.input_tokens"], tags["gen_ai.usage.output_tokens"]));
        Assert.Contains(("gen_ai.client.token.usage", 11, "input"), measured);
        Assert.Contains(("gen_ai.client.token.usage", 7, "output"), measured);
        Assert.Contains(measured, one => one.Name == "gen_ai.client.operation.duration");
        var events = string.Join(' ', span.Events.SelectMany(one => one.Tags));
        Assert.DoesNotContain(" words", $"{string.Join(' ', tags)} {events} {chat.Log}", StringComparison.Ordinal);

        void Measure(Instrument instrument, double value, string? type)
        {
            if (Activity.Current?.TraceId == caller.TraceId)
            {
                measured.Enqueue((instrument.Name, value, type));
            }
        }
    }

    [Theory]
    [InlineData("https://llm.example.com", "https://llm.example.com/v1")]
    [InlineData("https://x.openai.azure.com/openai/v1/", "https://x.openai.azure.com/openai/v1/")]
    [InlineData("https+http://llm:81/", "https+http://llm:81/v1")]
    public void An_address_without_a_path_gets_the_usual_one(string given, string address) =>
        Assert.Equal(address, new ChatModelSettings { Url = new Uri(given) }.Address.AbsoluteUri);

    [Fact]
    public async Task An_object_with_messages_is_passed_on_under_what_the_settings_say()
    {
        await using var server = await ChatServer.StartAsync(exchange => exchange.AnswerAsync("yes"));
        using ChatHost chat = new(
            server.Url,
            new KeyValuePair<string, string?>("Models:chat:SystemPrompt", "Be brief."), new("Models:chat:MaxOutputTokens", "50"));

        await chat.RunAsync(
            new(
                """
                {"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Yes?"},
                {"role":"user","content":[{"type":"text","text":"Why?"}]}],"temperature":1.5,"top_p":0.5,"max_tokens":1000}
                """,
                IsJson: true),
            Cancel);

        var asked = Assert.Single(server.Exchanges).Request;
        Assert.Equal(
            """[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"},{"role":"assistant","content":"Yes?"},"""
            + """{"role":"user","content":[{"type":"text","text":"Why?"}]}]""",
            asked["messages"]!.ToJsonString());
        Assert.Equal(("test-model", 1.5, 0.5), ((string?)asked["model"], (double)asked["temperature"]!, (double)asked["top_p"]!));
        Assert.Equal((50, true, false), ((int)asked["max_completion_tokens"]!, (bool)asked["stream"]!, asked.ContainsKey("max_tokens")));
    }

    [Theory]
    [InlineData("""{"messages":[]}""", "messages")]
    [InlineData("""{"messages":["Hi"]}""", "messages")]
    [InlineData("""{"messages":[{}],"model":"the-dear-one"}""", "no members but")]
    [InlineData("""{"messages":[{}],"n":100}""", "no members but")]
    [InlineData("""{"messages":[{}],"max_tokens":0.5}""", "max_tokens")]
    [InlineData("""{"messages":[{}],"messages":[{}]}""", "twice")]
    [InlineData("""{"messages":[{"content":"\ud800"}]}""", "half a character")]
    [InlineData("""{"messages":[{"\ud800":""}]}""", "half a character")]
    [InlineData("""{"messages":[{}],"\ud800":""}""", "half a character")]
    public async Task An_object_that_asks_for_more_is_refused_before_the_endpoint_is_asked(string input, string reason)
    {
        await using var server = await ChatServer.StartAsync(exchange => exchange.AnswerAsync("yes"));
        using ChatHost chat = new(server.Url);

        var exception = await Assert.ThrowsAsync<ModelException>(() => chat.RunAsync(new(input, IsJson: true), Cancel));

        Assert.True(exception.IsFinal);
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        Assert.Empty(server.Exchanges);
    }

    private static string? Tag(ReadOnlySpan<KeyValuePair<string, object?>> tags, string name)
    {
        foreach (var (key, value) in tags)
        {
            if (key == name)
            {
                return $"{value}";
            }
        }

        return null;
    }
}

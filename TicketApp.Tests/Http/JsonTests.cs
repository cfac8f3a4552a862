using System.Net;
using System.Text.Json;
using CsCheck;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models;

namespace TicketApp.Tests.Http;

/// <summary>Tickets whose inputs and responses are JSON other than text, from the submission to all places that show them.</summary>
[Collection(AppCollection.Name)]
public sealed class JsonTests(AppFixture app)
{
    private static readonly EchoModel _model = new();

    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task Any_JSON_goes_to_the_model_and_back_as_it_was()
    {
        await using var worker = await TestWorker.StartAsync(app, _model);
        var user = await Api.CreateUserAsync();
        var values = AnyJson.Values.Array[100].Single();
        var tickets = values.Select(value => $$"""{"user_id":"{{user}}","model":"{{_model.Name}}","input":{{value.Spaced}}}""");
        var batch = await Api.PostAsync("/v1/tickets/batch", $$"""{"tickets":[{{string.Join(',', tickets)}}]}""");
        JsonElement[] created = [.. Raw(batch.Body, "results").EnumerateArray().Select(item => item.GetProperty("ticket"))];
        string[] ids = [.. created.Select(ticket => ticket.GetProperty("id").GetString()!)];
        Assert.Equal(values.Select(value => value.Text), created.Select(ticket => ticket.GetProperty("input").GetRawText()));

        foreach (var (id, value) in ids.Zip(values))
        {
            var shown = (await Api.FinishAsync(id)).Body;
            Assert.Equal((value.Text, value.Text), (Raw(shown, "input").GetRawText(), Raw(shown, "response").GetRawText()));
            // The original's callers know text only.
            Assert.Equal(value.Text, await app.FinishAsync(id));
        }

        foreach (var path in (string[])[$"/v1/tickets?user_id={user}&limit=100", $"/v1/tickets/changes?user_id={user}"])
        {
            var listed = Raw((await Api.GetAsync(path)).Body, "results").EnumerateArray()
                .ToDictionary(ticket => ticket.GetProperty("id").GetString()!, ticket => ticket.GetProperty("response").GetRawText());
            Assert.Equal(values.Select(value => value.Text), ids.Select(id => listed[id]));
        }
    }

    [Fact]
    public async Task A_webhook_and_an_event_have_it_too()
    {
        await using var worker = await TestWorker.StartAsync(app, _model);
        await using var receiver = await WebhookReceiver.StartAsync();
        var created = await Api.PostAsync(
            "/v1/tickets",
            $$"""
            {"user_id":"{{await Api.CreateUserAsync()}}","model":"{{_model.Name}}","webhook":{"url":"{{receiver.Url}}"},
             "input":{"a":1,"a":
                1e400,"b":"\u0000"} }
            """);
        Assert.Equal(HttpStatusCode.Created, created.Status);
        var ticket = (await Api.FinishAsync(created.Id)).Body;

        Assert.Equal("""{"a":1,"a":1e400,"b":"\u0000"}""", Raw(ticket, "response").GetRawText());
        Assert.Equal(ticket, Assert.Single(await receiver.WaitAsync(1)).Data.GetRawText());
        var events = (await Api.GetAsync($"/v1/tickets/{created.Id}/events")).Body;
        Assert.Contains($"data: {ticket}\n\n", events, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_fails_keeps_its_input_and_runs_again_with_it()
    {
        TestModel failing = new((run, _) => run is { Attempt: 1, Input: { IsJson: true, Text: "[1]" } }
            ? throw new ModelException("not yet") { IsFinal = true }
            : Task.FromResult($"{run.Input}"));
        await using var worker = await TestWorker.StartAsync(app, failing);
        var created = await Api.PostAsync(
            "/v1/tickets", $$"""{"user_id":"{{await Api.CreateUserAsync()}}","model":"{{failing.Name}}","input":[ 1 ]}""");
        Assert.Equal("failed", (await Api.FinishAsync(created.Id)).TicketStatus);

        Assert.Equal("[1]", (await Api.PostAsync($"/v1/tickets/{created.Id}/retry", null)).Json["input"]!.ToJsonString());
        var ended = await Api.FinishAsync(created.Id);
        Assert.Equal("Payload { Text = [1], IsJson = True }", ended.Json["response"]!.GetValue<string>());
    }

    [Fact]
    public async Task The_text_of_JSON_is_as_long_as_a_text_may_be()
    {
        await using var worker = await TestWorker.StartAsync(app, _model);
        var user = await Api.CreateUserAsync();
        // White space between its parts does not count.
        Assert.Equal(HttpStatusCode.Created, (await SubmitAsync(9_998)).Status);
        var tooLong = (await SubmitAsync(9_999)).Problem(HttpStatusCode.BadRequest, "invalid-request");
        Assert.Contains("at most 10000 characters", tooLong["errors"]!["input"]!.ToJsonString(), StringComparison.Ordinal);

        Task<ResourceAnswer> SubmitAsync(int digits) => Api.PostAsync(
            "/v1/tickets", $$"""{"user_id":"{{user}}","model":"{{_model.Name}}","input":[  {{new string('1', digits)}}  ]}""");
    }

    private static JsonElement Raw(string json, string name) => JsonElement.Parse(json).GetProperty(name);

    /// <summary>Answers with its input.</summary>
    private sealed class EchoModel : IModel
    {
        public string Name { get; } = $"echo-{Guid.NewGuid():N}";

        public string Description => "Answers with its input";

        public ValueTask<ModelAnswer> RunAsync(ModelRun run, CancellationToken cancellationToken) =>
            new(run.Input is { IsJson: true } ? ModelAnswer.Json(run.Text!) : run.Text ?? "");
    }
}

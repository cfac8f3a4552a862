using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using TicketApp.Api.InputSchemas;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models.Endpoints;

namespace TicketApp.Tests.InputSchemas;

/// <summary>Models with a JSON Schema of their input, in the running application.</summary>
[Collection(AppCollection.Name)]
public sealed class SubmittedInputTests(AppFixture app)
{
    private const string Schema =
        """{"type":"object","required":["prompt"],"additionalProperties":false,"properties":"""
        + """{"prompt":{"type":"string"},"n":{"maximum":5}}}""";

    private readonly ResourceClient _api = new(app.Api);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_is_at_the_model_and_checked_when_tickets_are_submitted()
    {
        var name = $"schema-{Guid.NewGuid():N}";
        await using var server = await ModelServer.StartAsync(exchange => exchange.AnswerAsync(exchange.Body));
        await using var worker = await TestWorker.StartAsync(
            app, name, builder => builder.AddConfiguredModels(),
            new($"Models:{name}:Kind", "http"), new($"Models:{name}:Url", server.Url), new($"Models:{name}:InputSchema", Schema),
            new($"Models:{name}:MaxInputCharacters", "50000"));
        var userId = await _api.CreateUserAsync();

        var shown = await _api.GetAsync($"/v1/models/{name}");
        var list = await _api.GetAsync("/v1/models");
        var refused = await _api.PostAsync("/v1/tickets", Ticket("""{"n":6,"x":1}"""));
        var text = await _api.PostAsync("/v1/tickets", Ticket("\"a text\""));
        var taken = await _api.PostAsync("/v1/tickets", Ticket("""{"prompt":"hi","n":1e0}"""));
        var without = await _api.PostAsync("/v1/tickets", $$"""{"user_id":"{{userId}}","model":"{{name}}"}""");
        var large = await _api.PostAsync("/v1/tickets", Ticket($"\"{new string('x', 40_000)}\""));
        var batch = await _api.PostAsync(
            "/v1/tickets/batch", $$"""{"tickets":[{{Ticket("""{"prompt":1}""")}},{{Ticket("""{"prompt":"hi"}""")}}]}""");

        Assert.Equal(HttpStatusCode.OK, shown.Status);
        Assert.Equal(Schema, shown.Json["input_schema"]!.ToJsonString());
        Assert.Equal((name, 1), (shown.Json["name"]!.GetValue<string>(), shown.Json["workers"]!.GetValue<int>()));
        Assert.All(list.Results, entry => Assert.False(entry!.AsObject().ContainsKey("input_schema")));
        AssertErrors(
            """{"input/n":["must be at most 5"],"input/prompt":["is required"],"input/x":["is not allowed"]}""",
            refused.Problem(HttpStatusCode.BadRequest, "invalid-request"));
        AssertErrors("""{"input":["must be an object"]}""", text.Problem(HttpStatusCode.BadRequest, "invalid-request"));
        Assert.Equal("""{"prompt":"hi","n":1e0}""", (await _api.FinishAsync(taken.Id)).Json["response"]!.ToJsonString());
        AssertErrors(
            $$"""{"input":["is required by the model {{name}}"]}""", without.Problem(HttpStatusCode.BadRequest, "invalid-request"));
        // Nothing of that length is looked at.
        AssertErrors("""{"input":["must be at most 32768 bytes long"]}""", large.Problem(HttpStatusCode.BadRequest, "invalid-request"));
        AssertErrors("""{"input/prompt":["must be a string"]}""", batch.Results[0]!["problem"]!.AsObject());
        Assert.NotNull(batch.Results[1]!["ticket"]);

        string Ticket(string input) => $$"""{"user_id":"{{userId}}","model":"{{name}}","input":{{input}}}""";
    }

    [Fact]
    public async Task Replicates_API_describes_it_as_the_input_of_the_version()
    {
        const string input = "#/components/schemas/Input";
        const string defs = "\"$defs\":{\"c\":{\"enum\":[{\"$ref\":\"#\"},1e400]}}";
        const string schema =
            $$$"""{"$id":"urn:x","properties":{"$ref":{"$ref":"#"},"b":{"$ref":"#/$defs/c"}},{{{defs}}}}""";
        const string moved =
            $$$"""{"properties":{"$ref":{"$ref":"{{{input}}}"},"b":{"$ref":"{{{input}}}/$defs/c"}},{{{defs}}}}""";
        const string anything = """{"type":"object"}""";
        var name = $"schema-{Guid.NewGuid():N}";
        await using var server = await ModelServer.StartAsync(exchange => exchange.AnswerAsync(exchange.Body));
        await using var worker = await TestWorker.StartAsync(
            app, name, builder => builder.AddConfiguredModels(),
            new($"Models:{name}:Kind", "http"), new($"Models:{name}:Url", server.Url), new($"Models:{name}:InputSchema", schema));
        using HttpClient http = new() { BaseAddress = app.Api.BaseAddress };
        ResourceClient replicate = new(http);
        http.DefaultRequestHeaders.Authorization = new("Bearer", await app.CreateUserAsync());

        var version = (await replicate.GetAsync($"/replicate/v1/models/any/{name}/versions/{name}")).Json;
        var versions = (await replicate.GetAsync($"/replicate/v1/models/any/{name}/versions")).Results;
        var model = (await replicate.GetAsync($"/replicate/v1/models/any/{name}")).Json;
        var list = (await replicate.GetAsync("/replicate/v1/models")).Results;

        Assert.Equal(moved, InputOf(version));
        Assert.Equal(moved, InputOf(Assert.Single(versions)!));
        Assert.Equal(moved, InputOf(model["latest_version"]!));
        Assert.All(list, each => Assert.Equal(anything, InputOf(each!["latest_version"]!)));

        static string InputOf(JsonNode version) => version["openapi_schema"]!["components"]!["schemas"]!["Input"]!.ToJsonString();
    }

    [Fact]
    public async Task The_inputs_of_one_batch_share_what_their_checks_may_cost()
    {
        const int Count = 300;
        var name = $"costly-{Guid.NewGuid():N}";
        await using var server = await ModelServer.StartAsync(exchange => exchange.AnswerAsync(exchange.Body));
        await using var worker = await TestWorker.StartAsync(
            app, name, builder => builder.AddConfiguredModels(),
            new($"Models:{name}:Kind", "http"), new($"Models:{name}:Url", server.Url),
            new($"Models:{name}:InputSchema", """{"allOf":[{"items":{"$ref":"#"}},{"items":{"$ref":"#"}}]}"""));
        var userId = await _api.CreateUserAsync();
        var deep = new string('[', 50) + new string(']', 50);
        string[] inputs = ["1", .. Enumerable.Repeat(deep, Count)];

        var batch = await _api.PostAsync("/v1/tickets/batch", $$"""{"tickets":[{{string.Join(',', inputs.Select(Ticket))}}]}""");
        var alone = await _api.PostAsync("/v1/tickets", Ticket("[]"));

        Assert.NotNull(batch.Results[0]!["ticket"]);
        AssertErrors(
            """{"input":["is too large to be checked against the model\u0027s schema"]}""", batch.Results[1]!["problem"]!.AsObject());
        AssertErrors(
            """{"input":["is one of too many in this request to be checked against the model\u0027s schema: """
                + """submit the rest in another one"]}""",
            batch.Results[Count]!["problem"]!.AsObject());
        Assert.Equal(HttpStatusCode.Created, alone.Status);

        string Ticket(string input) => $$"""{"user_id":"{{userId}}","model":"{{name}}","input":{{input}}}""";
    }

    [Fact]
    public async Task A_model_without_one_has_none_and_an_unknown_name_is_a_problem()
    {
        var simulated = await _api.GetAsync("/v1/models/simulated");

        Assert.Equal("simulated", simulated.Json["name"]!.GetValue<string>());
        Assert.False(simulated.Json.ContainsKey("input_schema"));
        foreach (var name in (string[])["none", "Simulated", "simulated%2F", "%F0%9F%98%80", new string('x', 2000)])
        {
            (await _api.GetAsync($"/v1/models/{name}")).Problem(HttpStatusCode.NotFound, "model-not-found");
        }
    }

    [Fact]
    public async Task A_schema_that_cannot_be_used_is_told_once_and_nothing_is_checked()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await database.ExecuteAsync(
            """
            insert into models (
                name, description, input_required, max_input_characters, largest_batch, last_seen, input_schema_id, input_schema)
            values ('bad', 'd', false, 1, 1, now(), '1', '{"$ref":"#"}'), ('long', 'd', false, 1, 1, now(), '1', ''),
                ('good', 'd', false, 1, 1, now(), '1', '{"type":"string"}')
            """);
        LogLines log = new();
        InputChecks checks = new(database.Source, new Logger<InputChecks>(new LoggerFactory([log])));
        Dictionary<string, string> ids = new() { ["bad"] = "1", ["long"] = "1", ["good"] = "1", ["gone"] = "1" };

        var first = Assert.Single(await checks.OfAsync(ids, Cancel));
        var second = Assert.Single(await checks.OfAsync(ids, Cancel));
        await database.ExecuteAsync("update models set input_schema_id = '2', input_schema = '{}' where name = 'bad'");
        var repaired = await checks.OfAsync(new(ids) { ["bad"] = "2" }, Cancel);

        Assert.Equal("good", first.Model);
        Assert.Same(first.Check, second.Check);
        Assert.Equal(["bad", "good"], repaired.Select(model => model.Model).Order());
        Assert.Equal(2, log.Lines.Count);
        Assert.Contains(log.Lines, line => line.Contains("model bad is not used, and inputs are not checked: the schema at the root"));
        Assert.Contains(log.Lines, line => line.Contains("model long is not used, and inputs are not checked: it has more than 65536"));
    }

    private static void AssertErrors(string errors, JsonObject problem) => Assert.Equal(errors, problem["errors"]!.ToJsonString());
}

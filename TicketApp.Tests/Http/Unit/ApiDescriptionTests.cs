using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Http.Unit;

/// <summary>The description of the resource API that is checked in, docs/openapi.json: what other programs are generated from.</summary>
public sealed class ApiDescriptionTests
{
    private const string Text = "string";

    private readonly JsonObject _document = JsonNode.Parse(File.ReadAllText(ApiContract.FilePath))!.AsObject();

    private JsonObject Schemas => _document["components"]!["schemas"]!.AsObject();

    private IEnumerable<(string Name, JsonObject Operation)> Operations =>
        from path in _document["paths"]!.AsObject()
        from operation in path.Value!.AsObject()
        select ($"{operation.Key} {path.Key}", operation.Value!.AsObject());

    /// <summary>Another one is written to its place, so that the change of the API shows.</summary>
    [Fact]
    public async Task It_is_what_the_API_serves()
    {
        var port = AppProcesses.NextPort().ToString(CultureInfo.InvariantCulture);
        using HttpClient http = new() { BaseAddress = new($"http://127.0.0.1:{port}") };
        // It needs neither database nor broker for that.
        Dictionary<string, string> environment = new()
        {
            ["ASPNETCORE_URLS"] = http.BaseAddress.ToString(),
            ["ConnectionStrings__tickets"] = "Host=127.0.0.1;Port=1;Username=none;Password=none;Database=none",
            ["ConnectionStrings__rabbitmq"] = "amqp://none:none@127.0.0.1:1",
        };
        await using ChildProcess api = new("api", [Repository.OutputOf("TicketApp.Api")], environment, async () =>
        {
            try
            {
                using var answer = await http.GetAsync(new Uri(ApiDescription.Path, UriKind.Relative));
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        await api.StartAsync();

        var served = await http.GetStringAsync(
            new Uri($"{ApiDescription.Path}/{ApiDescription.Document}.json", UriKind.Relative), TestContext.Current.CancellationToken);
        served = served.TrimEnd() + "\n";

        if (served != await File.ReadAllTextAsync(ApiContract.FilePath, TestContext.Current.CancellationToken))
        {
            await File.WriteAllTextAsync(ApiContract.FilePath, served, TestContext.Current.CancellationToken);
            Assert.Fail($"{ApiContract.Path} was not what the API serves. It is now: look at the difference, and commit it.");
        }

        var problems = await http.GetStringAsync(new Uri(ProblemPage.Path, UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.All(ProblemType.All, type => Assert.Contains($"id=\"{type.Name}\"", problems, StringComparison.Ordinal));
    }

    [Fact]
    public void Its_names_are_those_that_are_sent()
    {
        Assert.Equal("3.1", ((string)_document["openapi"]!)[..3]);
        var names = Schemas.SelectMany(schema => schema.Value!["properties"]?.AsObject() ?? []).Select(property => property.Key);
        Assert.All(names, name => Assert.Matches("^[a-z][a-z0-9]*(_[a-z0-9]+)*$", name));
        Assert.Contains("queue_ttl_s", Schemas["TicketPolicy"]!["properties"]!.AsObject().Select(property => property.Key));
        // A number is never a text as well.
        Assert.All(
            Schemas.SelectMany(schema => schema.Value!["properties"]?.AsObject() ?? []),
            property => Assert.False(
                property.Value!["type"] is JsonArray types && types.Count(type => (string?)type != "null") > 1, property.Key));
    }

    [Fact]
    public void Every_operation_has_a_name_of_its_own_a_tag_and_a_description()
    {
        Assert.All(Operations, operation =>
        {
            Assert.Matches("^[a-z][A-Za-z]+$", (string)operation.Operation["operationId"]!);
            Assert.NotEmpty((string)operation.Operation["summary"]!);
            Assert.NotEmpty((string)operation.Operation["description"]!);
            Assert.Contains((string)operation.Operation["tags"]![0]!, ApiTags.All.Select(tag => tag.Name));
        });
        var ids = Operations.Select(operation => (string)operation.Operation["operationId"]!).ToArray();
        Assert.Equal(ids.Length, ids.Distinct().Count());
    }

    [Fact]
    public void It_has_the_words_that_the_code_has()
    {
        Assert.Equal(TicketStatusNames.AllPublic, Words("Ticket", "status"));
        Assert.Equal(TicketPriorityNames.All.Order(), Words("Ticket", "priority").Order());
        Assert.Equal(["low", "normal", "high", null], Words("CreateTicket", "priority"));
        Assert.Equal(["ticket.started", "ticket.finished"], _document["webhooks"]!.AsObject().Select(webhook => webhook.Key));
    }

    [Fact]
    public void Requests_want_what_they_must_have_and_answers_say_what_they_always_have()
    {
        Assert.Equal(["user_id"], Required("CreateTicket"));
        Assert.Equal(["url"], Required("WebhookRequest"));
        Assert.Equal(Schemas["Ticket"]!["properties"]!.AsObject().Select(property => property.Key), Required("Ticket"));
        Assert.DoesNotContain("api_key", Required("User"));
        // Left out, it is not null.
        Assert.Equal(Text, (string?)Schemas["User"]!["properties"]!["api_key"]!["type"]);
    }

    [Fact]
    public void Keys_are_asked_for_where_they_are()
    {
        Assert.Equal("bearer", (string?)_document["components"]!["securitySchemes"]!["key"]!["scheme"]);
        // Either a key, or none in mode open.
        Assert.Equal("""[{"key":[]},{}]""", _document["security"]!.ToJsonString());
        var open = Operations.Where(one => one.Operation["security"] is JsonArray { Count: 0 }).Select(one => one.Name);
        Assert.Equal(["get /v1/erasures/{id}", "get /v1/stats"], open.Order());
    }

    /// <summary>Whatever the API refuses a request with is explained, to programs by the description and to people in the docs.</summary>
    [Fact]
    public void Every_kind_of_problem_is_described_and_has_its_anchor_in_the_docs()
    {
        var described = Operations
            .SelectMany(operation => operation.Operation["responses"]!.AsObject())
            .Select(response => (Status: response.Key, Examples: response.Value!["content"]?["application/problem+json"]?["examples"]))
            .SelectMany(response => response.Examples?.AsObject() ?? [], (response, example) => (response.Status, Name: example.Key))
            .ToHashSet();
        var docs = File.ReadAllText(Path.Combine(Repository.Root, "docs", "api.md"));

        Assert.All(ProblemType.All.Except(ProblemType.OfNoOperation), type => Assert.Contains(
            (type.Status.ToString(CultureInfo.InvariantCulture), type.Name), described));
        Assert.All(ProblemType.All, type =>
        {
            Assert.Contains($"<a id=\"{type.Name}\"></a>", docs, StringComparison.Ordinal);
            Assert.Equal($"{ProblemPage.Path}#{type.Name}", type.Uri);
        });
        Assert.Equal(ProblemType.All.Count, ProblemType.All.Select(type => type.Name).Distinct().Count());
    }

    [Fact]
    public void Its_examples_are_what_it_describes()
    {
        var contents =
            from path in _document["paths"]!.AsObject()
            from operation in path.Value!.AsObject()
            from content in operation.Value!["responses"]!.AsObject()
                .Select(response => (Place: $"responses/{response.Key}", Content: response.Value!["content"]))
                .Append((Place: "requestBody", Content: operation.Value["requestBody"]?["content"]))
            let example = content.Content?["application/json"]?["example"]
            where example is not null
            let place = $"{path.Key.Replace("/", "~1", StringComparison.Ordinal)}/{operation.Key}/{content.Place}"
            select (Schema: $"#/paths/{place}/content/application~1json/schema", Json: example.ToJsonString());
        var examples = contents.ToArray();

        Assert.NotEmpty(examples);
        Assert.All(examples, example => Assert.Null(
            ApiContract.CheckedIn.Mismatch(example.Schema, System.Text.Encoding.UTF8.GetBytes(example.Json))));
    }

    [Fact]
    public void An_exchange_that_is_not_described_is_seen()
    {
        const string Ticket = """{"user_id":"01a205da-a5ea-7abf-916d-5fb3315c6011"}""";
        const string Page = """{"results":[],"next":null}""";

        Assert.Null(Defect("GET", "/v1/tickets?limit=5&status=failed,expired", null, HttpStatusCode.OK, Page));
        Assert.Null(Defect("POST", "/v1/tickets", "nonsense", HttpStatusCode.BadRequest, Problem("invalid-request", 400)));
        Assert.NotNull(Defect("GET", "/v1/tickets?limit=many", null, HttpStatusCode.OK, Page));
        Assert.NotNull(Defect("GET", "/v1/tickets?colour=red", null, HttpStatusCode.OK, Page));
        Assert.NotNull(Defect("GET", "/v1/tickets", null, HttpStatusCode.OK, """{"results":[],"next":null,"more":true}"""));
        Assert.NotNull(Defect("GET", "/v1/tickets", null, HttpStatusCode.OK, """{"results":[]}"""));
        Assert.NotNull(Defect("GET", "/v1/tickets", null, HttpStatusCode.Created, Page));
        Assert.NotNull(Defect("GET", "/v1/unknown", null, HttpStatusCode.OK, Page));
        Assert.NotNull(Defect("POST", "/v1/tickets", Ticket, HttpStatusCode.BadRequest, Problem("not-finished", 400)));
        Assert.NotNull(Defect("POST", "/v1/tickets/batch", $$"""{"ticket":[{{Ticket}}]}""", HttpStatusCode.OK, """{"results":[{}]}"""));
        Assert.NotNull(Defect("DELETE", $"/v1/tickets/{Guid.Empty}", null, HttpStatusCode.NoContent, "gone"));
    }

    private static string Problem(string name, int status) =>
        $$"""{"type":"{{ProblemPage.Path}}#{{name}}","title":"T","status":{{status}},"detail":"D"}""";

    private static string? Defect(string method, string path, string? sent, HttpStatusCode status, string body)
    {
        var type = (int)status < 400 ? "application/json" : "application/problem+json";
        using HttpRequestMessage request = new(new(method), new Uri($"http://localhost{path}"));
        using HttpResponseMessage response = new(status) { Content = new StringContent(body, null, type) };
        var (asked, answered) = (sent is null ? null : System.Text.Encoding.UTF8.GetBytes(sent), System.Text.Encoding.UTF8.GetBytes(body));
        return ApiContract.CheckedIn.Defect(request, asked, response, answered);
    }

    private IEnumerable<string?> Words(string schema, string property) =>
        Schemas[schema]!["properties"]![property]!["enum"]!.AsArray().Select(word => (string?)word);

    private IEnumerable<string> Required(string schema) => Schemas[schema]!["required"]!.AsArray().Select(name => (string)name!);
}

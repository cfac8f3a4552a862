using System.Net;
using System.Text.Json.Nodes;
using TicketApp.Api.Http;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Api.Resources;

/// <summary>The description of the resource API, and the page that shows it.</summary>
[Collection(AppCollection.Name)]
public sealed class OpenApiTests(AppFixture app)
{
    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task Every_operation_and_every_problem_is_described()
    {
        var answer = await Api.GetAsync("/openapi/v1.json");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.StartsWith("3.1", answer.Json["openapi"]!.GetValue<string>(), StringComparison.Ordinal);

        var operations = answer.Json["paths"]!.AsObject()
            .SelectMany(
                path => path.Value!.AsObject(), (path, operation) => (Path: path.Key, Operation: operation.Value!.AsObject()))
            .ToArray();
        Assert.Superset(
            new HashSet<string>
            {
                "/v1/users", "/v1/tickets", "/v1/tickets/{id}", "/v1/tickets/batch", "/v1/tickets/changes", "/v1/tickets/{id}/retry",
                "/v1/tickets/{id}/events", "/v1/stats", "/v1/models",
            },
            operations.Select(operation => operation.Path).ToHashSet());
        Assert.All(operations, operation =>
        {
            Assert.False(string.IsNullOrEmpty(operation.Operation["summary"]?.GetValue<string>()), operation.Path);
            Assert.True(operation.Operation["responses"]!.AsObject().ContainsKey("503"), operation.Path);
        });

        var create = answer.Json["paths"]!["/v1/tickets"]!["post"]!;
        Assert.NotNull(create["requestBody"]!["content"]!["application/json"]!["example"]!["user_id"]);
        Assert.Contains("Idempotency-Key", create["parameters"]!.AsArray().Select(parameter => parameter!["name"]!.GetValue<string>()));
        var position = answer.Json["components"]!["schemas"]!["QueuePosition"]!.ToJsonString();
        Assert.Contains("1000+", position.Replace("\\u002B", "+", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_problem_of_the_api_is_in_the_description()
    {
        var description = (await Api.GetAsync("/openapi/v1.json")).Body;

        Assert.NotEmpty(ProblemType.All);
        Assert.All(ProblemType.All, type => Assert.Contains(type.Uri, description, StringComparison.Ordinal));
        Assert.Equal(ProblemType.All.Count, ProblemType.All.Select(type => type.Name).Distinct().Count());
    }

    [Fact]
    public async Task The_page_shows_it()
    {
        var page = await Api.GetAsync("/openapi/index.html");

        Assert.Equal((HttpStatusCode.OK, true), (page.Status, page.ContentType!.StartsWith("text/html", StringComparison.Ordinal)));
        Assert.Equal(HttpStatusCode.OK, (await Api.GetAsync("/openapi/swagger-ui.css")).Status);
        Assert.NotNull(JsonNode.Parse((await Api.GetAsync("/openapi/v1.json")).Body));
    }
}

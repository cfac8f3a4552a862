using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Http;

/// <summary>The description of the resource API as the running application serves it, and the page that shows it.</summary>
[Collection(AppCollection.Name)]
public sealed class OpenApiTests(AppFixture app)
{
    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task It_is_the_one_that_is_checked_in()
    {
        var answer = await Api.GetAsync("/openapi/v1.json");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(
            await File.ReadAllTextAsync(ApiContract.FilePath, TestContext.Current.CancellationToken), answer.Body.TrimEnd() + "\n");
    }

    /// <summary>Each example of a request is sent, with a user that there is, and answered like the example beside it.</summary>
    [Fact]
    public async Task Its_examples_work()
    {
        var document = JsonNode.Parse(await File.ReadAllTextAsync(ApiContract.FilePath, TestContext.Current.CancellationToken))!;
        var user = await Api.CreateUserAsync();
        var examples =
            from path in document["paths"]!.AsObject()
            let operation = path.Value!["post"]
            let body = operation?["requestBody"]?["content"]?["application/json"]?["example"]
            where body is not null
            select (Path: path.Key, Operation: operation, Body: body.ToJsonString());

        var sent = examples.ToArray();
        Assert.Equal(["/v1/tickets", "/v1/tickets/batch"], sent.Select(example => example.Path));
        foreach (var (path, operation, body) in sent)
        {
            var answer = await Api.PostAsync(path, body.Replace("01a205da-a5ea-7abf-916d-5fb3315c6011", user, StringComparison.Ordinal));

            Assert.True((int)answer.Status < 300, answer.Body);
            Assert.All(answer.Json["results"]?.AsArray() ?? [], result => Assert.NotNull(result!["ticket"]));
            var status = ((int)answer.Status).ToString(CultureInfo.InvariantCulture);
            var example = operation!["responses"]![status]!["content"]!["application/json"]!["example"];
            Assert.Equal(Names(example), Names(answer.Json));
        }
    }

    [Fact]
    public async Task The_page_shows_it()
    {
        var page = await Api.GetAsync("/openapi/index.html");

        Assert.Equal((HttpStatusCode.OK, true), (page.Status, page.ContentType!.StartsWith("text/html", StringComparison.Ordinal)));
        Assert.Equal(HttpStatusCode.OK, (await Api.GetAsync("/openapi/swagger-ui.css")).Status);
    }

    [Fact]
    public async Task The_type_of_a_problem_leads_to_its_explanation()
    {
        var problem = (await Api.GetAsync("/v1/tickets/none")).Problem(HttpStatusCode.NotFound, "ticket-not-found");
        var parts = problem["type"]!.GetValue<string>().Split('#');

        var page = await Api.GetAsync(parts[0]);

        Assert.Equal((HttpStatusCode.OK, "text/html; charset=utf-8"), (page.Status, page.ContentType));
        Assert.Contains($"id=\"{parts[1]}\"", page.Body, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Names(JsonNode? example) => (example?.AsObject() ?? []).Select(member => member.Key);
}

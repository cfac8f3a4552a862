using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace TicketApp.Tests.Fixtures;

/// <summary>An answer of the resource API, read whole.</summary>
internal sealed record ResourceAnswer(HttpStatusCode Status, HttpResponseHeaders Headers, string? ContentType, string Body)
{
    public JsonObject Json => JsonNode.Parse(Body)!.AsObject();

    public string Id => Json["id"]!.GetValue<string>();

    public string TicketStatus => Json["status"]!.GetValue<string>();

    public JsonArray Results => Json["results"]!.AsArray();

    /// <summary>Asserts that it is a problem of that kind, complete.</summary>
    public JsonObject Problem(HttpStatusCode status, string name)
    {
        Assert.Equal((status, $"/openapi/problems#{name}"), (Status, Json["type"]?.GetValue<string>()));
        Assert.Equal("application/problem+json", ContentType);
        Assert.Equal((int)status, Json["status"]!.GetValue<int>());
        Assert.NotEmpty(Json["title"]!.GetValue<string>());
        Assert.NotEmpty(Json["detail"]!.GetValue<string>());
        return Json;
    }
}

/// <summary>Calls the resource API of a running application.</summary>
internal sealed class ResourceClient(HttpClient api)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async Task<string> CreateUserAsync()
    {
        var answer = await PostAsync("/v1/users", null);
        Assert.Equal(HttpStatusCode.Created, answer.Status);
        return answer.Id;
    }

    public Task<ResourceAnswer> CreateTicketAsync(string userId, params (string Name, string Value)[] headers) =>
        PostAsync("/v1/tickets", $$"""{"user_id":"{{userId}}"}""", headers);

    public Task<ResourceAnswer> GetAsync(string path, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Get, path, null, headers);

    public Task<ResourceAnswer> PostAsync(string path, string? body, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, body is null ? null : new StringContent(body, Encoding.UTF8, "application/json"), headers);

    public async Task<ResourceAnswer> SendAsync(
        HttpMethod method, string path, HttpContent? content, params (string Name, string Value)[] headers)
    {
        using HttpRequestMessage request = new(method, path) { Content = content };
        foreach (var (name, value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value), name);
        }

        using var response = await api.SendAsync(request, Cancel);
        var contentType = response.Content.Headers.ContentType?.ToString();
        return new(response.StatusCode, response.Headers, contentType, await response.Content.ReadAsStringAsync(Cancel));
    }

    /// <summary>The ticket once it has ended.</summary>
    public async Task<ResourceAnswer> FinishAsync(string ticketId)
    {
        var answer = await GetAsync($"/v1/tickets/{ticketId}", ("Prefer", "wait=60"));
        Assert.NotNull(answer.Json["finished_at"]);
        return answer;
    }
}

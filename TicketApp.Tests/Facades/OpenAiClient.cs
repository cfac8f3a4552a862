using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Facades;

/// <summary>Calls the façade as no client would.</summary>
internal sealed class OpenAiClient(HttpClient api, string? key)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async Task<ResourceAnswer> SendAsync(
        HttpMethod method, string path, HttpContent? content = null, params (string Name, string Value)[] headers) =>
        await new ResourceClient(api).SendAsync(
            method, $"/openai/v1{path}", content, key is null ? headers : [("Authorization", $"Bearer {key}"), .. headers]);

    public Task<ResourceAnswer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<ResourceAnswer> PostAsync(string path, string? body, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, path, body is null ? null : new StringContent(body, Encoding.UTF8, "application/json"), headers);

    /// <summary>Asserts that an answer is an error in the form of OpenAI's API, with nothing else.</summary>
    public static void AssertError(ResourceAnswer answer, int status, string? code, string? param = null)
    {
        Assert.True((int)answer.Status == status, answer.Body);
        Assert.Equal("application/json; charset=utf-8", answer.ContentType);
        var error = answer.Json["error"]!.AsObject();
        Assert.Single(answer.Json);
        Assert.Equal(["code", "message", "param", "type"], error.Select(member => member.Key).Order(StringComparer.Ordinal));
        Assert.Equal((code, param), ((string?)error["code"], (string?)error["param"]));
        Assert.NotEmpty((string)error["message"]!);
        Assert.NotEmpty((string)error["type"]!);
    }

    /// <summary>The events of a stream, as they come.</summary>
    public async IAsyncEnumerable<JsonNode> ListenAsync(HttpMethod method, string path, string? body = null)
    {
        using HttpRequestMessage request = new(method, $"/openai/v1{path}");
        request.Headers.Authorization = new("Bearer", key);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await api.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        await using var stream = await response.Content.ReadAsStreamAsync(Cancel);
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(Cancel))
        {
            var data = JsonNode.Parse(item.Data)!;
            Assert.Equal(item.EventType, (string?)data["type"]);
            yield return data;
        }
    }
}

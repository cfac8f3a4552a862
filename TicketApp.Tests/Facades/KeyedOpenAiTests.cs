using System.Net;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Facades;

/// <summary>The façade where calls need keys, on two replicas.</summary>
[Collection(KeyedCollection.Name)]
public sealed class KeyedOpenAiTests(KeyedApp app)
{
    private const string Model = "openai-keyed";
    private const string Stored = $$"""{"model":"{{Model}}","input":"echo twice told","background":true}""";

    [Fact]
    public async Task A_users_key_is_the_clients_key()
    {
        var user = await app.CreateUserWithKeyAsync();
        foreach (var key in new[] { null, "tk_none", user.Id, KeyedApp.AdminKey })
        {
            var answer = await new OpenAiClient(app.First, key).GetAsync("/models");

            OpenAiClient.AssertError(answer, 401, "invalid_api_key");
            Assert.NotEmpty(answer.Headers.WwwAuthenticate);
        }

        Assert.Equal(HttpStatusCode.OK, (await new OpenAiClient(app.First, user.Key).GetAsync("/models")).Status);
        OpenAiClient.AssertError(await new OpenAiClient(app.First, null).GetAsync("/none"), 401, "invalid_api_key");
    }

    [Fact]
    public async Task Each_replica_tells_the_same_events_to_the_same_user_alone()
    {
        await using var server = await OpenAiClientTests.StartServerAsync();
        await using var worker = await OpenAiClientTests.StartWorkerAsync(app, server, Model);
        var user = await app.CreateUserWithKeyAsync();
        OpenAiClient first = new(app.First, user.Key), second = new(app.Second, user.Key);
        // A replica learns of a model within a second.
        await Eventually.IsTrueAsync("Both replicas know the model", TimeSpan.FromSeconds(30), async () =>
            (await first.GetAsync($"/models/{Model}")).Status == HttpStatusCode.OK
            && (await second.GetAsync($"/models/{Model}")).Status == HttpStatusCode.OK);
        var id = (await first.PostAsync("/responses", Stored)).Id;

        var events = await ReadAsync(first, id, null);
        var again = await ReadAsync(second, id, null);
        var rest = await ReadAsync(second, id, events[4].Number);

        Assert.Equal(events.Where(item => item.Type != "delta").ToArray(), again.Where(item => item.Type != "delta").ToArray());
        Assert.Equal("twice told", string.Concat(again.Select(item => item.Delta)));
        Assert.Equal("twice told", string.Concat(rest.Select(item => item.Delta)));
        Assert.Equal("response.completed", rest[^1].Type);
        var stranger = await app.CreateUserWithKeyAsync();
        OpenAiClient.AssertError(await new OpenAiClient(app.First, stranger.Key).GetAsync($"/responses/{id}"), 404, null);
    }

    [Fact]
    public async Task Limits_are_errors_that_the_client_waits_for()
    {
        var hasty = await app.CreateUserWithKeyAsync();
        OpenAiClient client = new(app.First, hasty.Key);

        var answers = await Task.WhenAll(Enumerable.Range(0, 3 * KeyedApp.RequestsPerSecond).Select(_ => client.GetAsync("/models")));

        var refused = answers.Where(answer => answer.Status == HttpStatusCode.TooManyRequests).ToArray();
        Assert.NotEmpty(refused);
        OpenAiClient.AssertError(refused[0], 429, "rate_limit_exceeded");
        Assert.NotNull(refused[0].Headers.RetryAfter);
    }

    private static async Task<List<(string? Type, long Number, string? Delta)>> ReadAsync(OpenAiClient client, string id, long? after)
    {
        List<(string?, long, string?)> events = [];
        await foreach (var item in client.ListenAsync(
            HttpMethod.Get, $"/responses/{id}?stream=true{(after is null ? "" : $"&starting_after={after}")}"))
        {
            var type = (string?)item["type"];
            events.Add((type == "response.output_text.delta" ? "delta" : type, (long)item["sequence_number"]!, (string?)item["delta"]));
        }

        return events;
    }
}

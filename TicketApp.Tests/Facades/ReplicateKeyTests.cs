using System.Net;
using System.Net.Http.Headers;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Facades;

/// <summary>Replicate's API where calls need keys.</summary>
[Collection(KeyedCollection.Name)]
public sealed class ReplicateKeyTests(KeyedApp app)
{
    private const string Create = "/replicate/v1/models/anyone/simulated/predictions";
    private const string Body = """{"input":{}}""";

    [Fact]
    public async Task The_key_of_a_user_opens_what_is_the_users_and_the_URL_of_a_stream_needs_none()
    {
        var (first, other) = (await app.CreateUserWithKeyAsync(), await app.CreateUserWithKeyAsync());
        using var mine = Client(first.Key);
        var created = await new ResourceClient(mine).PostAsync(Create, Body, ("Prefer", "wait"));
        var urls = created.Json["urls"]!;
        using var others = Client(other.Key);
        using var withoutKey = Client(null);

        Assert.Equal((HttpStatusCode.Created, "succeeded"), (created.Status, created.TicketStatus));
        Assert.Equal(HttpStatusCode.OK, (await new ResourceClient(mine).GetAsync((string)urls["get"]!)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await new ResourceClient(others).GetAsync((string)urls["get"]!)).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await new ResourceClient(others).PostAsync((string)urls["cancel"]!, null)).Status);
        Assert.Empty((await new ResourceClient(others).GetAsync("/replicate/v1/predictions")).Results);
        Assert.Equal(HttpStatusCode.OK, (await new ResourceClient(withoutKey).GetAsync((string)urls["stream"]!)).Status);
    }

    [Theory]
    [InlineData(null, "Unauthenticated")]
    [InlineData("r8_stranger", "Unauthenticated")]
    [InlineData("01a205da-a612-79e7-be41-135fd85e6f9f", "Unauthenticated")]
    [InlineData(KeyedApp.AdminKey, "Unauthenticated")]
    public async Task Any_other_key_is_refused_in_the_form_of_the_API(string? key, string title)
    {
        using var http = Client(key);

        foreach (var path in new[] { "/replicate/v1/predictions", "/replicate/v1/models", "/replicate/v1/webhooks/default/secret" })
        {
            var answer = await new ResourceClient(http).GetAsync(path);
            Assert.Equal((HttpStatusCode.Unauthorized, title), (answer.Status, (string?)answer.Json["title"]));
        }
    }

    [Fact]
    public async Task A_user_over_a_limit_is_told_so_and_when_to_come_again()
    {
        var user = await app.CreateUserWithKeyAsync();
        using var http = Client(user.Key);
        ResourceClient api = new(http);

        var answers = await Task.WhenAll(
            Enumerable.Range(0, KeyedApp.RequestsPerSecond * 2).Select(_ => api.GetAsync("/replicate/v1/models")));
        var refused = answers.First(answer => answer.Status == HttpStatusCode.TooManyRequests);

        Assert.Equal(429, (int)refused.Json["status"]!);
        Assert.NotNull(refused.Headers.RetryAfter);
    }

    private HttpClient Client(string? key) => new()
    {
        BaseAddress = app.First.BaseAddress,
        DefaultRequestHeaders = { Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key) },
    };
}

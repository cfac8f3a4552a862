using System.Net;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Limits;

/// <summary>What one user may ask for, asked of two replicas at once.</summary>
[Collection(KeyedCollection.Name)]
public sealed class LimitTests(KeyedApp app)
{
    [Fact]
    public async Task A_users_open_tickets_stay_within_their_number_over_all_replicas_and_the_number_counts_anew_as_they_finish()
    {
        var user = await app.CreateUserWithKeyAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 2 * KeyedApp.OpenTickets).Select(i => SubmitAsync(i % 2 == 0 ? app.First : app.Second, user)));

        var refused = answers.Where(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).ToArray();
        Assert.Equal(KeyedApp.OpenTickets, answers.Count(answer => answer.StatusCode == HttpStatusCode.Created));
        Assert.Equal(KeyedApp.OpenTickets, refused.Length);
        Assert.All(refused, answer => Assert.NotNull(answer.Headers.RetryAfter));
        var problem = JsonNode.Parse(await refused[0].Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        Assert.Equal("urn:ticketapp:problem:too-many-open-tickets", problem["type"]!.GetValue<string>());

        // One user's limit is no other's.
        using var other = await SubmitAsync(app.Second, await app.CreateUserWithKeyAsync());
        Assert.Equal(HttpStatusCode.Created, other.StatusCode);

        await Eventually.GetAsync<object>("There is room again", TimeSpan.FromSeconds(60), async () =>
        {
            using var answer = await SubmitAsync(app.First, user);
            return answer.StatusCode == HttpStatusCode.Created ? answer.StatusCode : null;
        });
    }

    [Fact]
    public async Task A_user_over_the_request_rate_is_told_so_and_nobody_else_is()
    {
        var hasty = await app.CreateUserWithKeyAsync();
        var calm = await app.CreateUserWithKeyAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 4 * KeyedApp.RequestsPerSecond)
            .Select(_ => KeyedApp.SendAsync(app.First, HttpMethod.Get, "/v1/tickets/none", hasty.Key)));
        using var other = await KeyedApp.SendAsync(app.First, HttpMethod.Get, "/v1/tickets/none", calm.Key);

        Assert.All(answers, answer => Assert.Equal($"\"requests\";q={KeyedApp.RequestsPerSecond};w=1", Assert.Single(answer.Headers.GetValues("RateLimit-Policy"))));
        var refused = answers.Where(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).ToArray();
        Assert.NotEmpty(refused);
        Assert.True(answers.Length - refused.Length >= KeyedApp.RequestsPerSecond, $"{refused.Length} were refused");
        Assert.All(refused, answer => Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter!.Delta));
        Assert.All(refused, answer => Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType));
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        Assert.StartsWith("\"requests\";r=", Assert.Single(other.Headers.GetValues("RateLimit")), StringComparison.Ordinal);
    }

    private static Task<HttpResponseMessage> SubmitAsync(HttpClient replica, (string Id, string Key) user) =>
        KeyedApp.SendAsync(replica, HttpMethod.Post, "/v1/tickets", user.Key, new JsonObject
        {
            ["user_id"] = user.Id,
            // Long enough for none to finish while they are counted.
            ["input"] = """{"seconds":5}""",
        });
}

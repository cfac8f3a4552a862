using System.Net;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Api.Resources;

/// <summary>
/// Whatever is asked is answered: never with an error of the service's own, always with a bounded
/// answer, and with a problem where something is wrong.
/// </summary>
[Collection(AppCollection.Name)]
public sealed class RandomRequestTests(AppFixture app)
{
    private const int MaxAnswer = 4 * 1024 * 1024;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ResourceClient Api => new(app.Api);

    [Fact]
    public Task Three_thousand_requests_are_answered() => SendAsync(3_000, seed: 1);

    /// <summary>The long form: see <c>./ticketapp bench chaos</c>.</summary>
    [Fact(Explicit = true)]
    public Task A_hundred_thousand_requests_are_answered() => SendAsync(100_000, seed: Environment.TickCount);

    private async Task SendAsync(int count, int seed)
    {
        string[] users = [await Api.CreateUserAsync(), await Api.CreateUserAsync()];
        var tickets = await Task.WhenAll(Enumerable.Range(0, 20).Select(async i => (await Api.CreateTicketAsync(users[i % 2])).Id));
        RandomRequests random = new(seed, users, tickets);
        Dictionary<HttpStatusCode, int> seen = [];
        for (var i = 0; i < count; i++)
        {
            using var request = random.Next();
            var content = request.Content is null ? "" : await request.Content.ReadAsStringAsync(Cancel);
            var what = $"Seed {seed}, request {i}: {request.Method} {request.RequestUri}\n{content}";
            using var response = await app.Api.SendAsync(request, Cancel);
            var body = await response.Content.ReadAsStringAsync(Cancel);

            Assert.True((int)response.StatusCode < 500, what);
            Assert.True(body.Length < MaxAnswer, what);
            if ((int)response.StatusCode >= 400 && request.Method != HttpMethod.Head && response.Content.Headers.ContentLength != 0)
            {
                var status = JsonNode.Parse(body)!["status"]!.GetValue<int>();
                Assert.Equal(
                    ("application/problem+json", (int)response.StatusCode, what),
                    (response.Content.Headers.ContentType?.ToString(), status, what));
            }

            seen[response.StatusCode] = seen.GetValueOrDefault(response.StatusCode) + 1;
        }

        // Not only refusals, or little would have been tried.
        Assert.Superset(
            new HashSet<HttpStatusCode>
            {
                HttpStatusCode.OK,
                HttpStatusCode.Created,
                HttpStatusCode.BadRequest,
                HttpStatusCode.NotFound,
                HttpStatusCode.MethodNotAllowed,
            },
            seen.Keys.ToHashSet());
    }
}

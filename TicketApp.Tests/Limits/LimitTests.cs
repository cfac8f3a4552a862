using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Npgsql;
using TicketApp.Api.Auth;
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

        var answers = await Task.WhenAll(Enumerable.Range(0, 2 * KeyedApp.OpenTickets)
            .Select(i => SubmitAsync(i % 2 == 0 ? app.First : app.Second, user)));

        var refused = answers.Where(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).ToArray();
        Assert.Equal(KeyedApp.OpenTickets, answers.Count(answer => answer.StatusCode == HttpStatusCode.Created));
        Assert.Equal(KeyedApp.OpenTickets, refused.Length);
        Assert.All(refused, answer => Assert.NotNull(answer.Headers.RetryAfter));
        var problem = JsonNode.Parse(await refused[0].Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        Assert.Equal("/openapi/problems#too-many-open-tickets", problem["type"]!.GetValue<string>());

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

        Assert.All(answers, answer => Assert.Equal(
            $"\"requests\";q={KeyedApp.RequestsPerSecond};w=1", Assert.Single(answer.Headers.GetValues("RateLimit-Policy"))));
        var refused = answers.Where(answer => answer.StatusCode == HttpStatusCode.TooManyRequests).ToArray();
        Assert.NotEmpty(refused);
        Assert.True(answers.Length - refused.Length >= KeyedApp.RequestsPerSecond, $"{refused.Length} were refused");
        Assert.All(refused, answer => Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter!.Delta));
        Assert.All(refused, answer => Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType));
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
        Assert.StartsWith("\"requests\";r=", Assert.Single(other.Headers.GetValues("RateLimit")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_keys_are_refused_by_address_whatever_address_is_forged_and_hold_up_no_known_key()
    {
        var user = await app.CreateUserWithKeyAsync();
        using var neighbour = KeyedApp.From(IPAddress.Parse("127.0.0.2"), app.First);
        await KeyedApp.AskAsync(neighbour, HttpMethod.Get, $"/v1/users/{user.Id}/keys", user.Key);
        var clock = Stopwatch.StartNew();
        List<HttpStatusCode> wrong = [];

        // Longer than a key holds without being looked up again.
        for (var number = 0; clock.Elapsed < TimeSpan.FromSeconds(4) || number == 0; number++)
        {
            wrong.AddRange(await Task.WhenAll(Enumerable.Range(0, 2 * KeyedApp.RequestsPerSecond).Select(i =>
                GuessAsync(neighbour, $"203.0.{number % 250}.{i % 250}"))));
            await KeyedApp.AskAsync(neighbour, HttpMethod.Get, $"/v1/users/{user.Id}/keys", user.Key);
        }

        Assert.All(wrong, status => Assert.True(status is HttpStatusCode.Unauthorized or HttpStatusCode.TooManyRequests, $"{status}"));
        Assert.InRange(
            wrong.Count(status => status == HttpStatusCode.Unauthorized),
            KeyedApp.RequestsPerSecond / 2,
            KeyedApp.RequestsPerSecond * (2 + (int)clock.Elapsed.TotalSeconds));
        Assert.Contains(HttpStatusCode.TooManyRequests, wrong);
    }

    [Fact]
    public async Task Tickets_of_an_earlier_batch_count_in_what_is_in_flight()
    {
        const int Characters = 1_000_000;
        const int Count = 6;
        var user = await app.CreateUserWithKeyAsync();
        await BatchAsync(user, "large", Count);
        await using (var database = NpgsqlDataSource.Create(app.Database))
        {
            await using var finish = database.CreateCommand(
                $"""
                update tickets set status = 'succeeded', time_finished = now(), lease_expires = null, response = repeat('x', {Characters})
                where user_id = '{user.Id}' and time_finished is null
                """);
            Assert.Equal(Count, await finish.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
        }

        var again = await BatchAsync(user, "large", Count);

        var served = again.Where(result => result!["ticket"] is not null).ToArray();
        Assert.Equal(KeyedApp.BytesInFlight / (4 * Characters), served.Length);
        Assert.All(served, result => Assert.Equal(Characters, result!["ticket"]!["response"]!.GetValue<string>().Length));
        Assert.All(
            again.Except(served),
            result => Assert.Equal("/openapi/problems#overloaded", result!["problem"]!["type"]!.GetValue<string>()));
    }

    [Fact]
    public async Task A_user_with_as_many_open_tickets_as_may_be_gets_those_again_that_were_made_under_a_key()
    {
        var user = await app.CreateUserWithKeyAsync();
        // All but one, in a batch, and the last by itself.
        var batch = await BatchAsync(user, "batch", KeyedApp.OpenTickets - 1);
        var tickets = IdsOf(batch);
        var last = await ResourceOf(await SubmitAsync(app.First, user, "last"));
        Assert.All(tickets, Assert.NotNull);

        using var refused = await SubmitAsync(app.First, user, "another");
        var again = await ResourceOf(await SubmitAsync(app.Second, user, "last"));
        var batchAgain = await BatchAsync(user, "batch", KeyedApp.OpenTickets - 1);
        var larger = await BatchAsync(user, "batch", KeyedApp.OpenTickets + 1);

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal(last["id"]!.GetValue<string>(), again["id"]!.GetValue<string>());
        Assert.Equal(tickets, IdsOf(batchAgain));
        Assert.All(batchAgain, result => Assert.True(result!["replayed"]!.GetValue<bool>()));
        Assert.Equal(tickets.Append(null).Append(null), IdsOf(larger));
        Assert.All(larger.TakeLast(2), result => Assert.Equal(429, result!["problem"]!["status"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Repetitions_take_no_room_from_what_is_new()
    {
        var user = await app.CreateUserWithKeyAsync();
        const int Half = KeyedApp.OpenTickets / 2;
        var first = IdsOf(await BatchAsync(user, "batch", Half));

        // Half of it is there, and for all the rest there is room.
        var second = IdsOf(await BatchAsync(user, "batch", 2 * Half));

        Assert.Equal(first, second.Take(Half));
        Assert.All(second, Assert.NotNull);
    }

    private static async Task<HttpStatusCode> GuessAsync(HttpClient replica, string forged)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, "/v1/tickets/none");
        request.Headers.Authorization = new("Bearer", ApiKey.Create().Text);
        request.Headers.Add("X-Forwarded-For", forged);
        using var answer = await replica.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }

    private static string?[] IdsOf(JsonArray results) => [.. results.Select(result => result!["ticket"]?["id"]!.GetValue<string>())];

    private static async Task<JsonNode> ResourceOf(HttpResponseMessage answer)
    {
        using (answer)
        {
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
            return JsonNode.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        }
    }

    private static async Task<HttpResponseMessage> SubmitAsync(
        HttpClient replica, (string Id, string Key) user, string? idempotencyKey = null) =>
        await SendAsync(replica, "/v1/tickets", user.Key, NewTicket(user.Id), idempotencyKey);

    private static JsonObject NewTicket(string user) => new()
    {
        ["user_id"] = user,
        // Long enough for none to finish while they are counted.
        ["input"] = """{"seconds":5}""",
    };

    private static async Task<HttpResponseMessage> SendAsync(
        HttpClient replica, string path, string key, JsonObject body, string? idempotencyKey)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Authorization = new("Bearer", key);
        if (idempotencyKey is not null)
        {
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        }

        return await replica.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private async Task<JsonArray> BatchAsync((string Id, string Key) user, string idempotencyKey, int count)
    {
        JsonObject body = new() { ["tickets"] = new JsonArray([.. Enumerable.Range(0, count).Select(_ => NewTicket(user.Id))]) };
        using var answer = await SendAsync(app.First, "/v1/tickets/batch", user.Key, body, idempotencyKey);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["results"]!.AsArray();
    }
}

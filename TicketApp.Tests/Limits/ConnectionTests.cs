using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Limits;

/// <summary>
/// However many call at once, a replica gets by with two connections to the database: no call holds one while it asks for another.
/// </summary>
[Collection(KeyedCollection.Name)]
public sealed class ConnectionTests(KeyedApp app)
{
    // Enough to hold all connections twice over.
    private const int AtOnce = 8;
    private const int Flood = 60;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_endpoint_serves_many_calls_at_once()
    {
        var user = await app.CreateUserWithKeyAsync();
        var description = (await KeyedApp.AskAsync(app.First, HttpMethod.Get, "/openapi/v1.json", key: null))!;
        (string Method, string Path, string? Body)[] described =
        [
            .. description["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(operation => (
                operation.Key.ToUpperInvariant(), path.Key + Query(operation.Value!),
                operation.Value!["requestBody"]?["content"]?["application/json"]?["example"]?.ToJsonString()))),
        ];
        Assert.True(described.Length > 25, $"{described.Length} operations are described");
        // The user of the examples in the description.
        const string Example = "01a205da-a5ea-7abf-916d-5fb3315c6011";
        (string, string, string?)[] others =
        [
            ("POST", "/user", null),
            ("POST", "/ticket", $$"""{"user_id":"{{Example}}"}"""),
            ("GET", "/ticket?ticket_id={id}", null),
            ("GET", "/health", null),
        ];

        // The end of the user comes last.
        foreach (var (method, path, body) in described.Concat(others).OrderBy(call => call.Item2 == "/v1/users/{id}"))
        {
            var ticket = Assert.Single(await EndedAsync(user.Id, "canceled", 1));
            var id = path.StartsWith("/v1/users", StringComparison.Ordinal) ? user.Id : ticket;
            var url = path.Replace("{id}", id, StringComparison.Ordinal)
                .Replace("{delivery}", "msg_00000000000000000000000000000000", StringComparison.Ordinal)
                .Replace("{prefix}", "tk_000000000000", StringComparison.Ordinal);
            var content = body?.Replace(Example, user.Id, StringComparison.Ordinal);
            var answers = await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => AdmittedAsync(method, url, content)));
            Assert.All(answers, answer => Assert.True((int)answer < 500, $"{method} {url}: {(int)answer}"));
        }

        await RunsAsync(app.First, await app.CreateUserWithKeyAsync());
    }

    [Theory]
    [InlineData("succeeded")]
    [InlineData("canceled")]
    public async Task A_flood_of_one_users_retries_is_noticed_by_nobody_else(string status)
    {
        var hasty = await app.CreateUserWithKeyAsync();
        var other = await app.CreateUserWithKeyAsync();
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var flood = (await EndedAsync(hasty.Id, status, Flood)).Select(async ticket =>
        {
            List<HttpStatusCode> answers = [];
            do
            {
                using var answer = await KeyedApp.SendAsync(app.First, HttpMethod.Post, $"/v1/tickets/{ticket}/retry", hasty.Key);
                answers.Add(answer.StatusCode);
            }
            while (!enough.IsCancellationRequested);
            return answers;
        }).ToArray();

        for (var i = 0; i < 3; i++)
        {
            await RunsAsync(app.First, other);
        }

        await enough.CancelAsync();
        var answers = (await Task.WhenAll(flood)).SelectMany(answers => answers).Distinct();
        HttpStatusCode[] refusals = [HttpStatusCode.Conflict, HttpStatusCode.TooManyRequests];
        HttpStatusCode[] expected = status == "canceled" ? [HttpStatusCode.OK, .. refusals] : refusals;
        Assert.Empty(answers.Except(expected));
        Assert.Equal(HttpStatusCode.OK, (await KeyedApp.SendAsync(app.First, HttpMethod.Get, "/health", key: null)).StatusCode);
    }

    /// <summary>The parameters without which an operation would look at nothing.</summary>
    private static string Query(JsonNode operation) => string.Concat((operation["parameters"]?.AsArray() ?? [])
        .Where(parameter => parameter!["in"]!.GetValue<string>() == "query" && parameter["required"]?.GetValue<bool>() == true)
        .Select((parameter, i) => $"{(i == 0 ? '?' : '&')}{parameter!["name"]}=https://example.com/"));

    /// <summary>A ticket is taken, runs and shows its answer: every loop that it needs gets on.</summary>
    private static async Task RunsAsync(HttpClient replica, (string Id, string Key) user)
    {
        JsonObject body = new() { ["user_id"] = user.Id };
        var ticket = await KeyedApp.AskAsync(replica, HttpMethod.Post, "/v1/tickets", user.Key, HttpStatusCode.Created, body);
        await Eventually.GetAsync<object>("The ticket has succeeded", _limit, async () =>
        {
            var shown = await KeyedApp.AskAsync(replica, HttpMethod.Get, $"/v1/tickets/{ticket!["id"]}", user.Key);
            return shown!["status"]!.GetValue<string>() == "succeeded" ? new() : null;
        });
    }

    /// <summary>What a call is answered that the administrator's limits let through.</summary>
    private async Task<HttpStatusCode> AdmittedAsync(string method, string url, string? body)
    {
        HttpStatusCode? status = null;
        await Eventually.IsTrueAsync($"{method} {url} let through", _limit, async () =>
        {
            using HttpRequestMessage request = new(new(method), url);
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", KeyedApp.AdminKey);
            request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
            using var answer = await app.First.SendAsync(request, Cancel);
            status = answer.StatusCode;
            // Neither the number of requests nor what other tests have stored is the point here.
            return status != HttpStatusCode.TooManyRequests
                && !(await answer.Content.ReadAsStringAsync(Cancel)).Contains("overloaded", StringComparison.Ordinal);
        });
        return status!.Value;
    }

    private async Task<string[]> EndedAsync(string user, string status, int count)
    {
        await using var database = NpgsqlDataSource.Create(app.Database);
        await using var insert = database.CreateCommand(
            $"""
            insert into tickets (ticket_id, user_id, status, attempt, epoch, expires_at, due_at, time_finished, response)
            select gen_random_uuid(), '{user}', '{status}', 1, 1, now() + interval '1 hour', now() + interval '1 hour', now(),
                case '{status}' when 'succeeded' then 'done' end
            from generate_series(1, {count}) returning ticket_id::text
            """);
        List<string> tickets = [];
        await using var reader = await insert.ExecuteReaderAsync(Cancel);
        while (await reader.ReadAsync(Cancel))
        {
            tickets.Add(reader.GetString(0));
        }

        return [.. tickets];
    }
}

using System.Net;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Auth;

/// <summary>Where calls need keys: who may do what, on either of two replicas.</summary>
[Collection(KeyedCollection.Name)]
public sealed class KeyTests(KeyedApp app)
{
    private static readonly TimeSpan _revocationLimit = TimeSpan.FromSeconds(15);

    /// <summary>Every endpoint that has to do with a ticket or a user; {0} is the ticket's id, {1} its user's.</summary>
    public static TheoryData<string, string> OwnedEndpoints { get; } = new()
    {
        { "GET", "/ticket?ticket_id={0}" },
        { "GET", "/v1/tickets/{0}" },
        { "DELETE", "/v1/tickets/{0}" },
        { "POST", "/v1/tickets/{0}/cancel" },
        { "POST", "/v1/tickets/{0}/retry" },
        { "GET", "/v1/tickets/{0}/events" },
        { "GET", "/v1/tickets/{0}/deliveries" },
        { "POST", "/v1/tickets/{0}/deliveries/msg_00000000000000000000000000000000/replay" },
        { "POST", "/v1/users/{1}/webhook-secrets" },
        { "GET", "/v1/users/{1}/webhook-deliveries/dead" },
        { "GET", "/v1/users/{1}/webhook-endpoints/off" },
        { "GET", "/v1/users/{1}/keys" },
        { "POST", "/v1/users/{1}/keys" },
        { "DELETE", "/v1/users/{1}/keys/tk_000000000000" },
        { "DELETE", "/v1/users/{1}" },
    };

    [Theory]
    [MemberData(nameof(OwnedEndpoints))]
    public async Task What_is_another_users_is_not_there(string method, string path)
    {
        var owner = await app.CreateUserWithKeyAsync();
        var other = await app.CreateUserWithKeyAsync();
        var ticket = await SubmitAsync(owner);
        var url = string.Format(null, path, ticket, owner.Id);

        using var refused = await KeyedApp.SendAsync(app.Second, new(method), url, other.Key);
        using var withoutKey = await KeyedApp.SendAsync(app.Second, new(method), url, key: null);
        var wrongKey = owner.Key[..^1] + (owner.Key[^1] == 'x' ? 'y' : 'x');
        using var withWrongKey = await KeyedApp.SendAsync(app.Second, new(method), url, wrongKey);

        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        Assert.Equal((HttpStatusCode.Unauthorized, "Bearer"), (withoutKey.StatusCode, withoutKey.Headers.WwwAuthenticate.ToString()));
        Assert.Equal(
            (HttpStatusCode.Unauthorized, "Bearer error=\"invalid_token\""),
            (withWrongKey.StatusCode, withWrongKey.Headers.WwwAuthenticate.ToString()));
    }

    [Fact]
    public async Task No_ticket_is_made_for_another_user()
    {
        var owner = await app.CreateUserWithKeyAsync();
        var other = await app.CreateUserWithKeyAsync();
        JsonObject body = new() { ["user_id"] = owner.Id };

        await KeyedApp.AskAsync(app.First, HttpMethod.Post, "/ticket", other.Key, HttpStatusCode.NotFound, body);
        await KeyedApp.AskAsync(app.First, HttpMethod.Post, "/v1/tickets", other.Key, HttpStatusCode.NotFound, body);
        await KeyedApp.AskAsync(app.First, HttpMethod.Post, "/ticket", key: null, HttpStatusCode.Unauthorized, body);
        JsonObject tickets = new() { ["tickets"] = new JsonArray(body.DeepClone()) };
        var batch = await KeyedApp.AskAsync(app.First, HttpMethod.Post, "/v1/tickets/batch", other.Key, body: tickets);
        Assert.Contains("/openapi/problems#user-not-found", batch!.ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/tickets?user_id={0}")]
    [InlineData("/v1/tickets")]
    [InlineData("/v1/tickets/changes?user_id={0}")]
    [InlineData("/v1/tickets/changes")]
    public async Task No_list_shows_another_users_tickets(string path)
    {
        var owner = await app.CreateUserWithKeyAsync();
        var other = await app.CreateUserWithKeyAsync();
        var ticket = await SubmitAsync(owner);
        var url = string.Format(null, path, owner.Id);

        // Until it has finished it is in no list of ends, and says nothing.
        await Eventually.GetAsync<object>("Its owner sees it", TimeSpan.FromSeconds(60), () => ShowsAsync(url, owner.Key, ticket));

        Assert.Null(await ShowsAsync(url, other.Key, ticket));
        await KeyedApp.AskAsync(app.First, HttpMethod.Get, url, key: null, HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task The_original_way_works_with_a_key()
    {
        var user = (await KeyedApp.AskAsync(app.First, HttpMethod.Post, "/user", key: null))!;
        var (id, key) = (user["user_id"]!.GetValue<string>(), user["api_key"]!.GetValue<string>());
        JsonObject body = new() { ["user_id"] = id };
        var ticket = (await KeyedApp.AskAsync(app.First, HttpMethod.Post, "/ticket", key, body: body))!["ticket_id"];

        var answer = await Eventually.GetAsync("The ticket has finished", TimeSpan.FromSeconds(60), async () =>
        {
            using var response = await KeyedApp.SendAsync(app.Second, HttpMethod.Get, $"/ticket?ticket_id={ticket}", key);
            return response.StatusCode == HttpStatusCode.OK
                ? await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
                : null;
        });
        Assert.Contains("message\"}", answer, StringComparison.Ordinal);
    }

    /// <summary>An administrator's may be any; a stranger's is all that the user's key is asked for with.</summary>
    [Theory]
    [InlineData(KeyedApp.AdminKey, "order-17")]
    [InlineData(null, "4d3c0b2a-8f0e-4b6c-9a57-1de0c3b7f6aa")]
    public async Task A_repeated_creation_of_a_user_gives_the_same_key_before_and_after_its_first_use(string? admin, string name)
    {
        var repeat = name + Guid.NewGuid();
        var first = await CreateUserAsync(app.First, admin, repeat);
        var second = await CreateUserAsync(app.Second, admin, repeat);
        var (id, key) = (second["id"]!.GetValue<string>(), second["api_key"]!.GetValue<string>());
        await KeyedApp.AskAsync(app.First, HttpMethod.Get, $"/v1/users/{id}/keys", key);
        var third = await CreateUserAsync(app.First, admin, repeat);

        Assert.Equal(
            [first.ToJsonString(), first.ToJsonString()],
            [second.ToJsonString(), third.ToJsonString()]);
        Assert.NotEqual(key, (await CreateUserAsync(app.First, admin, $"{repeat}2"))["api_key"]!.GetValue<string>());
        // Another caller who has guessed it has made another user.
        var other = await CreateUserAsync(app.First, admin is null ? KeyedApp.AdminKey : null, repeat);
        Assert.NotEqual(key, other["api_key"]!.GetValue<string>());

        await KeyedApp.AskAsync(app.First, HttpMethod.Delete, $"/v1/users/{id}", key, HttpStatusCode.Accepted);
        await CreateUserAsync(app.First, KeyedApp.AdminKey, repeat);
        await KeyedApp.AskAsync(app.Second, HttpMethod.Post, "/ticket", KeyedApp.AdminKey, HttpStatusCode.NotFound, new JsonObject
        {
            ["user_id"] = id,
        });
    }

    [Fact]
    public async Task A_stranger_repeats_the_creation_of_a_user_with_an_unguessable_key_only()
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/users") { Headers = { { "Idempotency-Key", "order-17" } } };
        using var refused = await app.First.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    [Fact]
    public async Task A_key_is_rotated_and_a_revoked_one_is_refused_by_every_replica_within_seconds()
    {
        var (id, first) = await app.CreateUserWithKeyAsync();
        var keys = $"/v1/users/{id}/keys";
        var added = await KeyedApp.AskAsync(app.First, HttpMethod.Post, keys, first, HttpStatusCode.Created);
        var second = added!["api_key"]!.GetValue<string>();
        var prefix = first[..15];
        // Both replicas know the key when it is revoked.
        await KeyedApp.AskAsync(app.First, HttpMethod.Get, keys, first);
        await KeyedApp.AskAsync(app.Second, HttpMethod.Get, keys, first);
        var list = (await KeyedApp.AskAsync(app.Second, HttpMethod.Get, keys, second))!["results"]!.AsArray();
        Assert.Equal(2, list.Count);
        Assert.DoesNotContain(first, list.ToJsonString(), StringComparison.Ordinal);
        Assert.NotNull(Assert.Single(list, entry => entry!["prefix"]!.GetValue<string>() == prefix)!["last_used_at"]);

        await KeyedApp.AskAsync(app.First, HttpMethod.Delete, $"{keys}/{prefix}", second, HttpStatusCode.NoContent);

        await KeyedApp.AskAsync(app.First, HttpMethod.Get, keys, first, HttpStatusCode.Unauthorized);
        await Eventually.GetAsync<object>("The other replica refuses it", _revocationLimit, async () =>
        {
            using var response = await KeyedApp.SendAsync(app.Second, HttpMethod.Get, keys, first);
            return response.StatusCode == HttpStatusCode.Unauthorized ? response.StatusCode : null;
        });
        await KeyedApp.AskAsync(app.Second, HttpMethod.Get, keys, second);
    }

    [Fact]
    public async Task A_stream_ends_when_their_key_is_revoked_on_another_replica()
    {
        var (id, first) = await app.CreateUserWithKeyAsync();
        var added = await KeyedApp.AskAsync(app.First, HttpMethod.Post, $"/v1/users/{id}/keys", first, HttpStatusCode.Created);
        var second = added!["api_key"]!.GetValue<string>();
        JsonObject body = new() { ["user_id"] = id, ["model"] = "simulated", ["input"] = """{"seconds":60}""" };
        var made = await KeyedApp.AskAsync(app.First, HttpMethod.Post, "/v1/tickets", first, HttpStatusCode.Created, body);
        var ticket = made!["id"]!.ToString();
        using HttpRequestMessage listen = new(HttpMethod.Get, $"/v1/tickets/{ticket}/events")
        {
            Headers = { Authorization = new("Bearer", first) },
        };
        using var stream = await app.Second.SendAsync(
            listen, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, stream.StatusCode);

        await KeyedApp.AskAsync(app.First, HttpMethod.Delete, $"/v1/users/{id}/keys/{first[..15]}", second, HttpStatusCode.NoContent);

        var told = await stream.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)
            .WaitAsync(_revocationLimit, TestContext.Current.CancellationToken);
        Assert.DoesNotContain("event: finished", told, StringComparison.Ordinal);
        await KeyedApp.AskAsync(app.Second, HttpMethod.Get, $"/v1/tickets/{ticket}", first, HttpStatusCode.Unauthorized);
        using var canceled = await KeyedApp.SendAsync(app.First, HttpMethod.Post, $"/v1/tickets/{ticket}/cancel", second);
        Assert.True(canceled.IsSuccessStatusCode);
    }

    [Fact]
    public async Task A_cursor_of_one_replica_is_good_at_the_other_and_shows_no_foreign_id()
    {
        var user = await app.CreateUserWithKeyAsync();
        await SubmitAsync(user);
        await SubmitAsync(user);

        var page = await KeyedApp.AskAsync(app.First, HttpMethod.Get, "/v1/tickets?limit=1", user.Key);
        var rest = await KeyedApp.AskAsync(app.Second, HttpMethod.Get, $"/v1/tickets?limit=1&cursor={page!["next"]}", user.Key);

        Assert.NotEqual(page["results"]![0]!["id"]!.ToString(), Assert.Single(rest!["results"]!.AsArray())!["id"]!.ToString());
        // Sealed with a random nonce: the same place has another cursor each time.
        var again = await KeyedApp.AskAsync(app.First, HttpMethod.Get, "/v1/tickets?limit=1", user.Key);
        Assert.NotEqual(page["next"]!.ToString(), again!["next"]!.ToString());
    }

    [Fact]
    public async Task Administration_wants_an_admin_key_which_acts_for_all()
    {
        var user = await app.CreateUserWithKeyAsync();
        var ticket = await SubmitAsync(user);

        await KeyedApp.AskAsync(app.First, HttpMethod.Get, "/v1/admin/invariants", key: null, HttpStatusCode.Unauthorized);
        await KeyedApp.AskAsync(app.First, HttpMethod.Get, "/v1/admin/invariants", user.Key, HttpStatusCode.Forbidden);
        await KeyedApp.AskAsync(app.First, HttpMethod.Get, "/v1/admin/invariants", KeyedApp.AdminKey);
        await KeyedApp.AskAsync(app.First, HttpMethod.Get, $"/v1/tickets/{ticket}", KeyedApp.AdminKey);
    }

    [Fact]
    public async Task A_user_has_a_bounded_number_of_keys()
    {
        var (id, key) = await app.CreateUserWithKeyAsync();
        var created = 1;
        while (created <= 20)
        {
            using var response = await KeyedApp.SendAsync(app.First, HttpMethod.Post, $"/v1/users/{id}/keys", key);
            if (response.StatusCode == HttpStatusCode.Conflict)
            {
                break;
            }

            Assert.Equal(HttpStatusCode.Created, response.StatusCode);
            created++;
        }

        Assert.Equal(10, created);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/health")]
    [InlineData("/alive")]
    public async Task What_shows_nothing_of_anybody_needs_no_key(string path) =>
        Assert.Equal(HttpStatusCode.OK, (await KeyedApp.SendAsync(app.First, HttpMethod.Get, path, key: null)).StatusCode);

    private static async Task<JsonObject> CreateUserAsync(HttpClient replica, string? key, string repeat)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/users") { Headers = { { "Idempotency-Key", repeat } } };
        request.Headers.Authorization = key is null ? null : new("Bearer", key);
        using var response = await replica.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == HttpStatusCode.Created, text);
        return JsonNode.Parse(text)!.AsObject();
    }

    private async Task<object?> ShowsAsync(string url, string key, string ticket)
    {
        using var response = await KeyedApp.SendAsync(app.Second, HttpMethod.Get, url, key);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return text.Contains(ticket, StringComparison.Ordinal) ? new() : null;
    }

    private async Task<string> SubmitAsync((string Id, string Key) user)
    {
        JsonObject body = new() { ["user_id"] = user.Id };
        var ticket = await KeyedApp.AskAsync(app.First, HttpMethod.Post, "/v1/tickets", user.Key, HttpStatusCode.Created, body);
        return ticket!["id"]!.GetValue<string>();
    }
}

using System.Net;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Operations;

/// <summary>Where calls need keys: who may erase whom, and who signed up and never came back.</summary>
[Collection(KeyedCollection.Name)]
public sealed class KeyedErasureTests(KeyedApp app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(15);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_user_erases_itself_and_its_key_is_refused_by_every_replica_within_seconds()
    {
        var (id, key) = await app.CreateUserWithKeyAsync();
        await KeyedApp.AskAsync(app.First, HttpMethod.Get, $"/v1/users/{id}/keys", key);
        await KeyedApp.AskAsync(app.Second, HttpMethod.Get, $"/v1/users/{id}/keys", key);

        using var answer = await KeyedApp.SendAsync(app.First, HttpMethod.Delete, $"/v1/users/{id}", key);

        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        await KeyedApp.AskAsync(app.First, HttpMethod.Get, "/v1/tickets", key, HttpStatusCode.Unauthorized);
        // The other replica remembers the key for a moment; the user is refused in that too.
        using var late = await KeyedApp.SendAsync(
            app.Second, HttpMethod.Post, "/ticket", key, new System.Text.Json.Nodes.JsonObject { ["user_id"] = id });
        Assert.Contains(late.StatusCode, (HttpStatusCode[])[HttpStatusCode.NotFound, HttpStatusCode.Unauthorized]);
        await Eventually.IsTrueAsync("The other replica refuses it", _limit, async () =>
        {
            using var response = await KeyedApp.SendAsync(app.Second, HttpMethod.Get, "/v1/tickets", key);
            return response.StatusCode == HttpStatusCode.Unauthorized;
        });
        // Who has the receipt sees how far it is; an administrator gets another.
        var state = await KeyedApp.AskAsync(app.Second, HttpMethod.Get, answer.Headers.Location!.ToString(), key: null);
        Assert.Equal(id, state!["user_id"]!.GetValue<string>());
        using var admin = await KeyedApp.SendAsync(app.Second, HttpMethod.Delete, $"/v1/users/{id}", KeyedApp.AdminKey);
        Assert.Equal(answer.Headers.Location, admin.Headers.Location);
    }

    [Fact]
    public async Task Who_signs_up_is_a_user_with_the_first_use_of_the_key_and_can_be_erased_before()
    {
        var (id, key) = await SignUpAsync();
        var (unused, unusedKey) = await SignUpAsync();
        Assert.Equal((1L, 0L), await CountAsync(id));

        // On both replicas at once: each of them finds it.
        await Task.WhenAll(((HttpClient[])[app.First, app.Second]).Select(replica =>
            KeyedApp.AskAsync(replica, HttpMethod.Get, "/v1/tickets", key)));

        Assert.Equal((0L, 1L), await CountAsync(id));
        await KeyedApp.AskAsync(
            app.First, HttpMethod.Delete, $"/v1/users/{unused}", KeyedApp.AdminKey, HttpStatusCode.Accepted);
        await KeyedApp.AskAsync(app.First, HttpMethod.Get, "/v1/tickets", unusedKey, HttpStatusCode.Unauthorized);
        Assert.Equal((0L, 1L), await CountAsync(unused));
    }

    [Fact]
    public async Task Users_of_an_administrator_are_users_at_once()
    {
        var (id, _) = await app.CreateUserWithKeyAsync();

        Assert.Equal((0L, 1L), await CountAsync(id));
    }

    private async Task<(string Id, string Key)> SignUpAsync()
    {
        var user = await KeyedApp.AskAsync(app.First, HttpMethod.Post, "/v1/users", key: null, HttpStatusCode.Created);
        return (user!["id"]!.GetValue<string>(), user["api_key"]!.GetValue<string>());
    }

    private async Task<(long SignUps, long Users)> CountAsync(string id)
    {
        await using var database = NpgsqlDataSource.Create(app.Database);
        await using var command = database.CreateCommand(
            $"select (select count(*) from sign_ups where user_id = '{id}'), (select count(*) from users where user_id = '{id}')");
        await using var reader = await command.ExecuteReaderAsync(Cancel);
        await reader.ReadAsync(Cancel);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }
}

using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Operations;

/// <summary>What administrators do, in mode open.</summary>
[Collection(AppCollection.Name)]
public sealed class AdminTests(AppFixture app)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_dispatching_is_paused_tickets_are_accepted_and_wait_and_then_they_run()
    {
        var user = await app.CreateUserAsync();
        var paused = await PostAsync("/v1/admin/dispatch/pause");
        Assert.True(paused["paused"]!.GetValue<bool>());
        try
        {
            // The replica obeys within a second. The window has capacity, so a ticket that joins the backlog shows that it does.
            await using var database = Npgsql.NpgsqlDataSource.Create(app.Database);
            var ticket = await Eventually.GetAsync("A ticket waits", TimeSpan.FromSeconds(10), async () =>
            {
                var candidate = await app.CreateTicketAsync(user);
                return await StatusAsync(database, candidate) == "queued" ? candidate : null;
            });
            Assert.True((await GetAsync("/v1/admin/dispatch"))["paused"]!.GetValue<bool>());
            Assert.Equal("queued", await StatusAsync(database, ticket));
            Assert.Equal("paused", (await GetAsync($"/v1/tickets/{ticket}"))["queue"]!["wait_reason"]!.GetValue<string>());

            var resumed = await PostAsync("/v1/admin/dispatch/resume");

            Assert.False(resumed["paused"]!.GetValue<bool>());
            await app.FinishAsync(ticket);
        }
        finally
        {
            await PostAsync("/v1/admin/dispatch/resume");
        }
    }

    [Fact]
    public async Task Dead_tickets_are_listed_retried_and_purged()
    {
        var user = await app.CreateUserAsync();
        var model = $"gone-{Guid.NewGuid():N}";
        await using var database = Npgsql.NpgsqlDataSource.Create(app.Database);
        await using var insert = database.CreateCommand(
            $"""
            insert into tickets (
                ticket_id, user_id, status, model, attempt, queue_key, epoch, expires_at, due_at, time_finished, error_type)
            select gen_random_uuid(), '{user}', 'failed', '{model}', 3, 0, 3, now(), now(), now(), 'model_error' from generate_series(1, 5)
            """);
        await insert.ExecuteNonQueryAsync(Cancel);

        var page = await GetAsync($"/v1/admin/dead-tickets?model={model}&limit=3");
        var rest = await GetAsync($"/v1/admin/dead-tickets?model={model}&limit=3&cursor={page["next"]}");
        Assert.Equal((3, 2), (page["results"]!.AsArray().Count, rest["results"]!.AsArray().Count));
        Assert.Null(rest["next"]);
        Assert.NotNull(page["results"]![0]!["purge_at"]);

        var none = await PostAsync($"/v1/admin/dead-tickets/purge?model={model}&status=expired");
        var purged = await PostAsync($"/v1/admin/dead-tickets/purge?model={model}&limit=2");
        Assert.Equal((0, 2), (none["count"]!.GetValue<int>(), purged["count"]!.GetValue<int>()));

        await using var rename = database.CreateCommand(
            $"""
            alter table tickets disable trigger tickets_finished_is_final;
            update tickets set model = 'simulated', error_type = '{model}' where model = '{model}';
            alter table tickets enable trigger tickets_finished_is_final
            """);
        await rename.ExecuteNonQueryAsync(Cancel);
        var dead = await GetAsync($"/v1/admin/dead-tickets?error_type={model}");
        var ids = dead["results"]!.AsArray().Select(ticket => ticket!["id"]!.GetValue<string>()).ToArray();
        var retried = await PostAsync($"/v1/admin/dead-tickets/retry?error_type={model}");

        Assert.Equal(3, retried["count"]!.GetValue<int>());
        Assert.Equal(3, ids.Length);
        foreach (var id in ids)
        {
            await app.FinishAsync(id);
        }
    }

    [Theory]
    [InlineData("status=succeeded")]
    [InlineData("limit=0")]
    [InlineData("limit=1001")]
    [InlineData("cursor=x")]
    [InlineData("model=%00")]
    public async Task A_filter_that_makes_no_sense_is_refused(string query)
    {
        using var response = await app.Api.GetAsync($"/v1/admin/dead-tickets?{query}", Cancel);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    private static async Task<string> StatusAsync(Npgsql.NpgsqlDataSource database, string ticketId)
    {
        await using var command = database.CreateCommand($"select status::text from tickets where ticket_id = '{ticketId}'");
        return (string)(await command.ExecuteScalarAsync(Cancel))!;
    }

    private async Task<JsonNode> GetAsync(string path) => (await app.Api.GetFromJsonAsync<JsonNode>(path, Cancel))!;

    private async Task<JsonNode> PostAsync(string path)
    {
        using var response = await app.Api.PostAsync(path, null, Cancel);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<JsonNode>(Cancel))!;
    }
}

using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Operations;
using TicketApp.Api.Storage;
using TicketApp.Api.Webhooks;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Operations;

/// <summary>The end of a user: nothing of it stays, and nothing of others goes.</summary>
[Collection(AppCollection.Name)]
public sealed class ErasureTests(AppFixture app)
{
    private const string User = "00000000-0000-7000-8000-000000000005";
    private const string Other = "00000000-0000-7000-8000-000000000006";

    // Without runs it takes a quarter of it.
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    // A ticket in each status, a hundred of each, with all that can belong to one and to its user.
    private static readonly string _rows = string.Join('\n', ((string[])[User, Other]).Select((user, place) =>
        $"""
        insert into users (user_id) values ('{user}');
        insert into api_keys (prefix, user_id, hash, time_revoked)
        select '{user}' || i, '{user}', '\x01', case when i > 3 then now() end from generate_series(1, 2500) i;
        insert into webhook_secrets (secret_id, user_id, secret) values (gen_random_uuid(), '{user}', '\x01');
        insert into webhook_endpoints_off (user_id, url) select '{user}', 'https://example.org/' || i from generate_series(1, 1500) i;
        insert into tickets (
            ticket_id, user_id, status, queue_key, lease_expires, time_finished, response, webhook_url, webhook_events,
            expires_at, due_at, epoch, report_pending)
        select gen_random_uuid(), '{user}', s, 1,
            case when s in ('dispatched', 'running', 'canceling') then now() + interval '1 hour' end,
            case when is_finished(s) then now() end, case s when 'succeeded' then 'Happy message' end, 'https://example.org/', 3,
            now() + interval '1 hour', now() + interval '1 hour', 1, s = 'failed'
        from unnest(enum_range(null::ticket_status)) s, generate_series(1, 100);
        insert into ticket_attempts (ticket_id, epoch, outcome, attempt)
        select ticket_id, 0, 'failed', 1 from tickets where user_id = '{user}';
        insert into ticket_progress (ticket_id, epoch, seq, text) select ticket_id, 1, 1, 'Hap' from tickets where user_id = '{user}';
        insert into webhook_deliveries (delivery_id, ticket_id, user_id, host, event, ticket)
        select gen_random_uuid(), ticket_id, user_id, 'example.org', 'ticket.finished', to_jsonb(t) from tickets t
        where user_id = '{user}';
        insert into idempotency_keys (user_id, key, body_hash, ticket_id)
        select user_id, ticket_id::text, '\x01', ticket_id from tickets where user_id = '{user}';
        """));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task All_that_belongs_to_a_user_is_removed_by_parallel_replicas_and_nothing_of_others()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await database.ExecuteAsync(_rows);
        var (begun, revoked) = (await Store(database).BeginAsync(Guid.Parse(User), Cancel))!.Value;
        Assert.Equal(("erasing", 3), (begun.Status, revoked.Count));

        await using var connection = await database.Source.OpenConnectionAsync(Cancel);
        await Eventually.IsTrueAsync("Nothing is left", _limit, async () =>
        {
            Assert.Empty(await ErasureStore.ReadyAsync(connection, 10, Cancel));
            await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => RemoveAllAsync(database)));
            await database.ExecuteAsync("update erasures set next_at = now()");
            return await CountAsync(database, "tickets", User) + await CountAsync(database, "api_keys", User)
                + await CountAsync(database, "webhook_endpoints_off", User) == 0;
        });
        // Not while a message of a run may still be somewhere.
        Assert.Empty(await ErasureStore.ReadyAsync(connection, 10, Cancel));
        await database.ExecuteAsync("update erasures set quiet_at = now()");
        Assert.Equal([Guid.Parse(User)], await ErasureStore.ReadyAsync(connection, 10, Cancel));
        var erased = Assert.Single(await ErasureStore.CompleteAsync(connection, [Guid.Parse(User)], Cancel));

        Assert.Equal((begun.Id, "erased", 1000L), (erased.Id, erased.Status, erased.TicketsRemoved));
        string[] ofUsers = ["tickets", "api_keys", "webhook_secrets", "webhook_endpoints_off", "webhook_deliveries", "idempotency_keys"];
        foreach (var table in ofUsers)
        {
            Assert.Equal((table, 0L), (table, await CountAsync(database, table, User)));
        }

        Assert.Equal(
            "1000 2500 1 1500 1000 1000",
            string.Join(' ', await Task.WhenAll(ofUsers.Select(table => CountAsync(database, table, Other)))));
        foreach (var table in (string[])["ticket_attempts", "ticket_progress"])
        {
            Assert.Equal(1000L, await database.ValueAsync<long>($"select count(*) from {table}"));
        }

        // The id stays, with times, and is no user for anything.
        Assert.Equal(
            [User],
            await database.ValueAsync<string[]>("select array_agg(user_id::text) from users where time_erased is not null"));
        Assert.Equal(0L, (await new InvariantStore(database.Source).CountAsync(Cancel)).Results.Single(
            result => result.Name == "erased_with_data").Count);
        Assert.Equal(
            KeyCreation.NoSuchUser,
            await new KeyStore(database.Source).CreateAsync(Guid.Parse(User), ApiKey.Create().Key, Cancel));
        Assert.Equal(erased with { CompletedAt = null }, (await Store(database).BeginAsync(Guid.Parse(User), Cancel))!.Value.Erasure with
        {
            CompletedAt = null,
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    public async Task No_queued_ticket_is_dispatched_once_its_user_is_to_be_erased(int runningTickets)
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        ScratchBacklog backlog = new(database, runningTickets);
        var (user, other) = (await backlog.CreateUserAsync(), await backlog.CreateUserAsync());
        await backlog.QueueAsync(user, TicketPriority.High, 20);
        var expected = await backlog.QueueAsync(other, TicketPriority.Low, 3);
        Assert.Equal(user, Assert.Single(await backlog.DispatchAsync(1)).UserId);

        await Store(database).BeginAsync(user, Cancel);

        Assert.Equal(expected, (await backlog.DispatchAsync(10)).Select(ticket => ticket.TicketId));
    }

    [Fact]
    public async Task What_is_on_its_way_to_a_worker_is_removed_first_though_others_are_being_erased()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        ScratchBacklog backlog = new(database);
        var (before, user) = (await backlog.CreateUserAsync(), await backlog.CreateUserAsync());
        await backlog.QueueAsync(before, TicketPriority.Normal, 20);
        await Store(database).BeginAsync(before, Cancel);
        Assert.Equal(5, (await Store(database).RemoveAsync(5, Cancel))!.Count);
        await backlog.QueueAsync(user, TicketPriority.Normal, 10);
        var dispatched = Assert.Single(await backlog.DispatchAsync(1));

        await Store(database).BeginAsync(user, Cancel);

        var removed = (await Store(database).RemoveAsync(1, Cancel))!;
        Assert.Equal([new(new(dispatched.TicketId, dispatched.Epoch), "simulated", IsOpen: true, IsLeased: true)], removed);
    }

    [Fact]
    public async Task A_ticket_that_ended_counts_in_the_totals_though_its_user_is_erased()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await WebhookTickets.StoreFinishedAsync(database, url: null, count: 20);
        await Store(database).BeginAsync(await database.ValueAsync<Guid>("select user_id from users"), Cancel);
        Assert.Empty((await Store(database).RemoveAsync(1000, Cancel))!);

        TotalsStore totals = new(database.Source);
        await Eventually.IsTrueAsync("They are counted", _limit, async () => await totals.CountAsync(Cancel) == 20);
        await database.ExecuteAsync("update erasures set next_at = now()");
        Assert.Equal(20, (await Store(database).RemoveAsync(1000, Cancel))!.Count);

        await totals.CountAsync(Cancel);
        Assert.Equal(20L, await database.ValueAsync<long>("select sum(ended)::bigint from ticket_totals"));
    }

    [Fact]
    public async Task No_delivery_begins_once_the_user_is_to_be_erased()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var options = Options.Create(new WebhookOptions());
        SecretStore secrets = new(database.Source, new SecretProtector(options), options);
        await WebhookTickets.StoreFinishedAsync(database, "https://example.com/hook", count: 1);
        var user = await database.ValueAsync<Guid>("select user_id from users");
        Assert.Single(await secrets.ValidAsync(user, Cancel));

        await Store(database).BeginAsync(user, Cancel);

        var claim = await new DeliveryStore(database.Source, options).ClaimAsync(
            Guid.Empty, new Dictionary<Guid, string>(), 10, 10, [], Cancel);
        Assert.True(Assert.Single(claim.Deliveries).EndpointIsOff);
        // Nor is one sent that was claimed a moment before.
        Assert.Empty(await secrets.ValidAsync(user, Cancel));
    }

    [Fact]
    public async Task A_user_is_refused_from_the_moment_of_its_erasure_its_runs_stop_and_its_webhooks_end()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        HeldModel model = new();
        await using var worker = await TestWorker.StartAsync(app, model);
        var (user, other) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        var finished = await app.CreateTicketAsync(other);
        await app.FinishAsync(finished);
        var erasureOfOther = await EraseAsync(other);
        var ticket = await SubmitAsync(user, model.Name, receiver.Url);
        Assert.Equal(ticket, (await model.StartedAsync()).TicketId);
        var events = await receiver.WaitAsync(1);

        var erasure = await EraseAsync(user);

        Assert.Equal(erasure, await EraseAsync(user));
        foreach (var path in (string[])["/ticket", "/v1/tickets"])
        {
            using var refused = await app.Api.PostAsJsonAsync(path, new JsonObject { ["user_id"] = user }, Cancel);
            Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        }

        using var secret = await app.Api.PostAsync($"/v1/users/{user}/webhook-secrets", null, Cancel);
        Assert.Equal(HttpStatusCode.NotFound, secret.StatusCode);
        // The run is told to stop: its slot is free again.
        await Eventually.IsTrueAsync("The run has stopped", _limit, () => model.Running == 0);
        await Eventually.IsTrueAsync("The ticket is gone", _limit, async () =>
        {
            using var gone = await app.Api.GetAsync($"/v1/tickets/{ticket}", Cancel);
            return gone.StatusCode == HttpStatusCode.NotFound;
        });
        Assert.Equal(1, (await app.Api.GetFromJsonAsync<JsonObject>(erasure, Cancel))!["tickets_removed"]!.GetValue<int>());

        // The whole of it, down to the last message: that of a user of whom nothing ran does not take long.
        var done = await Eventually.GetAsync("It is erased", _limit, async () =>
        {
            var state = await app.Api.GetFromJsonAsync<JsonObject>(erasureOfOther, Cancel);
            return state!["status"]!.GetValue<string>() == "erased" ? state : null;
        });
        Assert.Equal((other, 1), (done["user_id"]!.GetValue<string>(), done["tickets_removed"]!.GetValue<int>()));
        using var again = await app.Api.DeleteAsync($"/v1/users/{other}", Cancel);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        using var read = await app.Api.GetAsync($"/ticket?ticket_id={finished}", Cancel);
        Assert.Equal(HttpStatusCode.NotFound, read.StatusCode);
        Assert.Equal(events.Count, receiver.Received.Count);
    }

    [Theory]
    [InlineData("/v1/users/00000000-0000-7000-8000-000000000000")]
    [InlineData("/v1/users/none")]
    public async Task Who_is_no_user_is_not_erased(string path)
    {
        using var answer = await app.Api.DeleteAsync(path, Cancel);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    private static ErasureStore Store(ScratchDatabase database) => new(
        database.Source,
        new OpenTicketLimit(Options.Create(new LimitOptions())),
        Options.Create(new DispatchOptions()),
        NullLogger<ErasureStore>.Instance);

    private static async Task RemoveAllAsync(ScratchDatabase database)
    {
        // Many parts, as if each replica stopped after one.
        while (await Store(database).RemoveAsync(150, Cancel) is { Count: > 0 })
        {
        }
    }

    private static Task<long> CountAsync(ScratchDatabase database, string table, string user) =>
        database.ValueAsync<long>($"select count(*) from {table} where user_id = '{user}'");

    private async Task<string> EraseAsync(string user)
    {
        using var answer = await app.Api.DeleteAsync($"/v1/users/{user}", Cancel);
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        return answer.Headers.Location!.ToString();
    }

    private async Task<string> SubmitAsync(string user, string model, string url)
    {
        JsonObject body = new()
        {
            ["user_id"] = user,
            ["model"] = model,
            ["webhook"] = new JsonObject { ["url"] = url, ["events"] = new JsonArray("ticket.started", "ticket.finished") },
        };
        using var answer = await app.Api.PostAsJsonAsync("/v1/tickets", body, Cancel);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<JsonObject>(Cancel))!["id"]!.GetValue<string>();
    }
}

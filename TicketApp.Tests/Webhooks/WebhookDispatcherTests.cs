using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Api.Auth;
using TicketApp.Api.Storage;
using TicketApp.Api.Webhooks;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Webhooks;

/// <summary>Dispatchers of this process, with settings of their own, on a database of their own.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class WebhookDispatcherTests(DatabaseServer server)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nothing_is_connected_to_that_is_not_public(bool byName)
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        await using var receiver = await WebhookReceiver.StartAsync();
        await WebhookTickets.StoreFinishedAsync(database, byName ? receiver.UrlByName : receiver.Url, count: 1);
        await RunAsync(database, new() { AllowHttp = true, Retries = [] }, replicas: 1);

        Assert.Equal("address_not_public", await database.ValueAsync<string>("select error from webhook_attempts"));
        Assert.Empty(receiver.Received);
    }

    [Fact]
    public async Task Replicas_share_the_work_and_take_over_what_one_has_left()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        await using var receiver = await WebhookReceiver.StartAsync();
        await WebhookTickets.StoreFinishedAsync(database, receiver.Url, count: 50);
        // As a replica leaves them when it dies, once the lease has ended.
        await database.ExecuteAsync("update webhook_deliveries set attempts = 1, tries = 1 where sequence % 5 = 0");
        await RunAsync(database, new() { AllowHttp = true, AllowPrivateAddresses = true }, replicas: 3);

        Assert.Equal(50, receiver.Received.Select(webhook => webhook.Id).Distinct().Count());
        Assert.Equal(50, receiver.Received.Count);
        Assert.Equal(50L, await database.ValueAsync<long>("select count(*) from webhook_attempts where status_code = 204"));
    }

    [Fact]
    public async Task Ended_deliveries_go_after_a_while_and_with_their_ticket()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        await using var receiver = await WebhookReceiver.StartAsync();
        await WebhookTickets.StoreFinishedAsync(database, receiver.Url, count: 2);
        await database.ExecuteAsync(
            "delete from tickets where ticket_id = (select ticket_id from webhook_deliveries order by sequence limit 1)");
        Assert.Equal(1L, await database.ValueAsync<long>("select count(*) from webhook_deliveries"));
        await RunAsync(database, new() { AllowHttp = true, AllowPrivateAddresses = true }, replicas: 1);
        await database.ExecuteAsync("update webhook_deliveries set time_ended = now() - interval '31 days'");

        Assert.Equal(1, await DeliveryStore.Expiry(new()).RemoveAsync(database.Source, PurgeLoop.MaxPart, Cancel));
        var left = await database.ValueAsync<long>(
            "select (select count(*) from webhook_deliveries) + (select count(*) from webhook_attempts)");
        Assert.Equal(0L, left);
    }

    [Fact]
    public async Task A_result_that_comes_after_its_lease_ended_counts_no_more()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        await WebhookTickets.StoreFinishedAsync(database, "https://example.com/", count: 1);
        DeliveryStore store = new(database.Source, Options.Create(new WebhookOptions()));
        var first = Assert.Single((await ClaimAsync(store, new(), limit: 10, maxPerUser: 10)).Deliveries);
        Assert.Empty((await ClaimAsync(store, new(), limit: 10, maxPerUser: 10)).Deliveries);
        await database.ExecuteAsync("update webhook_deliveries set due_at = now()");
        var second = Assert.Single((await ClaimAsync(store, new(), limit: 10, maxPerUser: 10)).Deliveries);

        await store.CompleteAsync(first, new(500, null, TimeSpan.Zero), pause: null, Cancel);
        Assert.Equal(0L, await database.ValueAsync<long>("select count(*) from webhook_attempts"));
        await store.CompleteAsync(second, new(200, null, TimeSpan.Zero), pause: null, Cancel);
        Assert.Equal("delivered", await database.ValueAsync<string>("select outcome from webhook_deliveries"));
    }

    [Fact]
    public async Task Hanging_hosts_of_one_user_hold_up_nobody_else()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        await using var receiver = await WebhookReceiver.StartAsync();
        // Connections are made to them, and nobody answers.
        var hanging = Enumerable.Range(0, 20).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        foreach (var host in hanging)
        {
            host.Start();
        }

        await WebhookTickets.StoreFinishedAsync(database, [.. hanging.Select(host => $"http://{host.LocalEndpoint}/hook")]);
        await WebhookTickets.StoreFinishedAsync(database, receiver.Url, count: 20);
        WebhookOptions settings = new()
        {
            AllowHttp = true,
            AllowPrivateAddresses = true,
            MaxConcurrency = 8,
            Timeout = TimeSpan.FromMinutes(2),
        };
        await using TestDispatchers dispatchers = new(database, settings, limits: new LimitOptions { MaxUserShare = 0.25 });
        await dispatchers.StartAsync(replicas: 1);
        await receiver.WaitAsync(20);

        Assert.Equal(2L, await database.ValueAsync<long>(
            $"select count(*) from webhook_deliveries where attempts > 0 and host <> '{new Uri(receiver.Url).Authority}'"));
        foreach (var host in hanging)
        {
            host.Stop();
        }

        await dispatchers.StopAsync();
    }

    [Fact]
    public async Task A_thousand_hosts_of_one_user_are_claimed_in_turn_and_not_before_one_of_another()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        await WebhookTickets.StoreFinishedAsync(
            database, [.. Enumerable.Range(0, 1000).Select(i => $"https://h{i.ToString("0000", null)}.example.com/")]);
        await WebhookTickets.StoreFinishedAsync(database, "https://zzz.example.org/", count: 3);
        DeliveryStore store = new(database.Source, Options.Create(new WebhookOptions()));
        ClaimWalk walk = new();

        var first = await ClaimAsync(store, walk, limit: 64, maxPerUser: 16);
        List<string> seen = [.. first.Deliveries.Where(IsOfMany).Select(delivery => delivery.Host)];
        while (seen.Count < 1000)
        {
            var claim = await ClaimAsync(store, walk, limit: 64, maxPerUser: 16);
            seen.AddRange(claim.Deliveries.Where(IsOfMany).Select(delivery => delivery.Host));
        }

        Assert.Equal((16, 3), (first.Deliveries.Count(IsOfMany), first.Deliveries.Count(delivery => !IsOfMany(delivery))));
        Assert.Equal(seen.Order(StringComparer.Ordinal), seen);
        Assert.Empty((await ClaimAsync(store, walk, limit: 64, maxPerUser: 16)).Deliveries);

        static bool IsOfMany(Delivery delivery) => delivery.Host.EndsWith(".example.com", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Users_share_what_is_free_and_a_host_that_they_have_in_common()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        foreach (var count in (int[])[50, 50, 1])
        {
            await WebhookTickets.StoreFinishedAsync(database, "https://example.com/", count);
        }

        DeliveryStore store = new(database.Source, Options.Create(new WebhookOptions { MaxConcurrencyPerHost = 6 }));
        ClaimWalk walk = new();

        var claim = await ClaimAsync(store, walk, limit: 5, maxPerUser: 5);
        Assert.Equal([1, 2, 2], claim.Deliveries.CountBy(delivery => delivery.Ticket.UserId).Select(user => user.Value).Order());
        var rest = await ClaimAsync(
            store, walk, limit: 5, maxPerUser: 5, [.. claim.Deliveries.Select(delivery => (delivery.Ticket.UserId, delivery.Host))]);
        Assert.Single(rest.Deliveries);
    }

    [Fact]
    public async Task A_changed_key_stops_signing_until_there_is_a_new_secret()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        var userId = Guid.NewGuid();
        await database.ExecuteAsync($"insert into users (user_id) values ('{userId}')");
        var (before, after) = (Secrets("the key before, of thirty-two characters"), Secrets("the key after it, of thirty-two characters"));
        Assert.NotNull(await before.RotateAsync(userId, Cancel));

        await Assert.ThrowsAnyAsync<CryptographicException>(() => after.ValidAsync(userId, Cancel));
        var rotated = await after.RotateAsync(userId, Cancel);
        Assert.Equal(rotated!.Value.Secret, Assert.Single(await after.ValidAsync(userId, Cancel)));

        SecretStore Secrets(string key)
        {
            var options = Options.Create(new WebhookOptions { SecretKey = key });
            return new(database.Source, new(options), options);
        }
    }

    [Fact]
    public async Task A_ticket_without_webhook_and_an_event_not_asked_for_make_no_delivery()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        await WebhookTickets.StoreFinishedAsync(database, null, count: 1);
        await WebhookTickets.StoreFinishedAsync(database, "https://example.com/", count: 1, events: 1);

        Assert.Equal(0L, await database.ValueAsync<long>("select count(*) from webhook_deliveries"));
    }

    [Fact]
    public async Task What_is_under_way_at_a_stop_has_a_moment_to_end()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        using SemaphoreSlim hold = new(0);
        await using var receiver = await WebhookReceiver.StartAsync((context, _) => hold.WaitAsync(context.RequestAborted));
        await WebhookTickets.StoreFinishedAsync(database, receiver.Url, count: 1);
        await using TestDispatchers dispatchers = new(database, new() { AllowHttp = true, AllowPrivateAddresses = true });
        await dispatchers.StartAsync(replicas: 1);
        await receiver.WaitAsync(1);

        var stop = dispatchers.StopAsync();
        await Assert.ThrowsAsync<TimeoutException>(() => stop.WaitAsync(TimeSpan.FromMilliseconds(200), Cancel));
        hold.Release();
        await stop;

        Assert.Equal("delivered", await database.ValueAsync<string>("select outcome from webhook_deliveries"));
    }

    [Fact]
    public async Task A_dispatcher_that_hangs_shows_in_health_and_takes_nobody_out_of_service()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ManualClock clock = new();
        await using TestDispatchers dispatchers = new(database, new(), clock);
        await using (var connection = await database.Source.OpenConnectionAsync(Cancel))
        {
            await using var transaction = await connection.BeginTransactionAsync(Cancel);
            await using NpgsqlCommand hang = new("lock table webhook_deliveries", connection, transaction);
            await hang.ExecuteNonQueryAsync(Cancel);
            await dispatchers.StartAsync(replicas: 1);
            const string WaitingSql =
                "select count(*) from pg_locks where relation = 'webhook_deliveries'::regclass and not granted";
            await Eventually.GetAsync<object>("The dispatcher waits for the table", TimeSpan.FromSeconds(30), async () =>
                await database.ValueAsync<long>(WaitingSql) == 1 ? new() : null);
            Assert.Equal(HealthStatus.Healthy, (await dispatchers.CheckHealthAsync()).Status);

            clock.Advance(TimeSpan.FromSeconds(31));

            var health = await dispatchers.CheckHealthAsync();
            Assert.Equal((HealthStatus.Degraded, "No progress: delivery of webhooks for 31 s."), (health.Status, health.Description));
        }

        await Eventually.GetAsync<object>("The dispatcher continues", TimeSpan.FromSeconds(30), async () =>
            (await dispatchers.CheckHealthAsync()).Status == HealthStatus.Healthy ? new() : null);
    }

    private static async Task<Claim> ClaimAsync(
        DeliveryStore store, ClaimWalk walk, int limit, int maxPerUser, params (Guid UserId, string Host)[] busy)
    {
        var claim = await store.ClaimAsync(walk.AfterUser, walk.AfterHosts, limit, maxPerUser, busy, Cancel);
        walk.Advance(claim, isFull: claim.Deliveries.Count == limit);
        return claim;
    }

    /// <summary>Runs dispatchers until no delivery is pending.</summary>
    private static async Task RunAsync(ScratchDatabase database, WebhookOptions settings, int replicas)
    {
        await using TestDispatchers dispatchers = new(database, settings);
        await dispatchers.StartAsync(replicas);
        await Eventually.GetAsync<object>("No delivery pending", TimeSpan.FromSeconds(30), async () =>
            await database.ValueAsync<long>("select count(*) from webhook_deliveries where outcome is null") == 0 ? new() : null);
        await dispatchers.StopAsync();
    }
}

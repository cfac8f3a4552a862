using System.Diagnostics;
using System.Net;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Faults;

/// <summary>
/// What can die or hang does, under load. Every ticket that got a 200 must end, with exactly one result, and never change.
/// The long form is <c>./ticketapp bench chaos</c>.
/// </summary>
[Collection(FaultCollection.Name)]
public sealed class FaultTests(FaultApp app)
{
    // Shorter than FaultApp.ConsumerTimeout: past that, the broker takes the runs away by itself.
    private const string LongerThanTheDrain = """{"seconds":8}""";
    private static readonly TimeSpan _longerThanALease = TimeSpan.FromSeconds(25);

    // Of a broker that hangs: two missed heartbeats, less what the machine may be late.
    private static readonly TimeSpan _connectionsLive = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ResourceClient Api => new(app.Api);

    [Fact]
    public Task Workers_are_killed_one_after_another() => Ledger.CheckAsync(app, async () =>
    {
        for (var i = 0; i < 5; i++)
        {
            var workers = app.InstancesOf("worker");
            await app.KillAsync(workers[i % workers.Count]);
            await app.StartAsync(workers[i % workers.Count]);
        }
    });

    [Fact]
    public Task All_workers_are_gone_for_a_while() => Ledger.CheckAsync(app, async () =>
    {
        var workers = app.InstancesOf("worker");
        await Task.WhenAll(workers.Select(app.KillAsync));
        await AcceptAsync(10);
        await Task.WhenAll(workers.Select(app.StartAsync));
    });

    [Fact]
    public async Task Api_replicas_are_killed_and_a_user_who_is_being_erased_is_gone_at_the_end()
    {
        var user = await app.CreateUserAsync();
        await Ledger.CheckAsync(app, async () =>
        {
            var tickets = string.Join(',', Enumerable.Repeat($$"""{"user_id":"{{user}}"}""", 500));
            Assert.Equal(HttpStatusCode.OK, (await Api.PostAsync("/v1/tickets/batch", $$"""{"tickets":[{{tickets}}]}""")).Status);
            Assert.Equal(HttpStatusCode.Accepted, (await Api.SendAsync(HttpMethod.Delete, $"/v1/users/{user}", null)).Status);
            foreach (var replica in app.InstancesOf("api"))
            {
                await app.KillAsync(replica);
                await app.StartAsync(replica);
            }
        });

        await Eventually.IsTrueAsync("The user is erased", _limit, async () =>
            (await Api.SendAsync(HttpMethod.Delete, $"/v1/users/{user}", null)).Json["status"]!.GetValue<string>() == "erased");
    }

    [Fact]
    public async Task The_broker_is_killed_and_tickets_are_accepted_while_it_is_away()
    {
        await Ledger.CheckAsync(app, async () =>
        {
            for (var i = 0; i < 2; i++)
            {
                var broker = Assert.Single(app.InstancesOf("rabbitmq"));
                await app.KillAsync(broker);
                await AcceptAsync(20);
                await app.StartAsync(broker);
            }
        });
    }

    [Fact]
    public Task The_database_is_killed() => Ledger.CheckAsync(app, async () =>
    {
        for (var i = 0; i < 3; i++)
        {
            var database = Assert.Single(app.InstancesOf("postgres"));
            await app.KillAsync(database);
            await app.StartAsync(database);
        }
    });

    [Fact]
    public Task Broker_and_database_are_killed_at_once() => Ledger.CheckAsync(app, async () =>
    {
        string[] servers = [.. app.InstancesOf("postgres"), .. app.InstancesOf("rabbitmq")];
        await Task.WhenAll(servers.Select(app.KillAsync));
        await Task.WhenAll(servers.Select(app.StartAsync));
    });

    [Fact]
    public Task A_worker_is_frozen_past_its_lease_and_wakes_up() => Ledger.CheckAsync(app, async () =>
    {
        var worker = app.InstancesOf("worker")[0];
        await app.SignalAsync(worker, "STOP");
        using PeriodicTimer frozen = new(_longerThanALease);
        await frozen.WaitForNextTickAsync(Cancel);
        await app.SignalAsync(worker, "CONT");
    });

    [Fact]
    public Task Everything_is_restarted_in_turn() => Ledger.CheckAsync(app, async () =>
    {
        foreach (var instance in app.InstancesOf("worker").Concat(app.InstancesOf("api")))
        {
            Assert.Equal(0, await app.StopAsync(instance));
            await app.StartAsync(instance);
        }
    });

    [Fact]
    public async Task Services_stop_while_the_broker_hangs_and_hand_back_what_runs()
    {
        var userId = await app.CreateUserAsync();
        var tickets = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ =>
            app.CreateTicketAsync(userId, "simulated", LongerThanTheDrain)));
        await Task.WhenAll(tickets.Select(ticket => Eventually.IsTrueAsync("A run", _limit, async () =>
            (await Api.GetAsync($"/v1/tickets/{ticket}")).TicketStatus == "running")));

        string[] services = [.. app.InstancesOf("worker"), app.InstancesOf("api")[0]];
        var frozen = Stopwatch.GetTimestamp();
        await app.FreezeAsync(Assert.Single(app.InstancesOf("rabbitmq")), async () =>
            Assert.All(await Task.WhenAll(services.Select(app.StopAsync)), exitCode => Assert.Equal(0, exitCode)));
        // Nothing can be handed back over a connection that has died, as on a machine that is too slow for this.
        var hung = Stopwatch.GetElapsedTime(frozen);
        await Task.WhenAll(services.Select(app.StartAsync));

        List<int> attempts = [];
        foreach (var ticket in tickets)
        {
            await app.FinishAsync(ticket);
            attempts.Add((await Api.GetAsync($"/v1/tickets/{ticket}")).Json["attempt"]!.GetValue<int>());
            Assert.True(attempts[^1] <= 2, $"Of ticket {ticket}: {await AttemptsAsync(ticket)}");
        }

        // Handed back, not lost: no attempt was charged. A worker's last reports are sent once, and nobody is left to see whether they are
        // read: where all processors are busy, one of the two workers' are lost now and then.
        Assert.True(
            hung > _connectionsLive || attempts.Count(attempt => attempt == 1) >= tickets.Length / 2,
            $"The broker hung for {hung.TotalSeconds:F1} s; attempts {string.Join(", ", attempts)}\n{string.Join('\n', app.Output)}");
    }

    [Fact]
    public Task An_Api_stops_while_the_database_hangs() => Ledger.CheckAsync(app, async () =>
    {
        var replica = app.InstancesOf("api")[0];
        await app.FreezeAsync(Assert.Single(app.InstancesOf("postgres")), async () => Assert.Equal(0, await app.StopAsync(replica)));
        await app.StartAsync(replica);
    });

    private async Task<string> AttemptsAsync(string ticket)
    {
        await using var database = NpgsqlDataSource.Create(app.Database);
        await using var command = database.CreateCommand(
            $"select string_agg(to_jsonb(a)::text, ' ' order by epoch) from ticket_attempts a where ticket_id = '{ticket}'");
        return await command.ExecuteScalarAsync(Cancel) as string ?? "no attempt is on record";
    }

    private async Task AcceptAsync(int tickets)
    {
        var userId = await app.CreateUserAsync();
        for (var i = 0; i < tickets; i++)
        {
            await app.CreateTicketAsync(userId);
        }
    }
}

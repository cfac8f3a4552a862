using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Dispatch;

/// <summary>What the dispatcher's statements take, return and count.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class DispatchStoreTests(DatabaseServer server)
{
    private const string Other = "another";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public async Task Tickets_that_are_left_out_are_passed_and_the_first_is_the_one_that_a_dispatch_would_take(int concurrent)
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database, concurrent);
        var ids = await backlog.QueueAsync(await backlog.CreateUserAsync(), TicketPriority.Normal, 4);
        var store = Store(database, concurrent);
        await database.ExecuteAsync($"update tickets set model = '{Other}' where ticket_id = '{ids[3]}'");

        Assert.Equal(ids[0], await store.FirstAsync(ModelNames.Simulated, [], Cancel));
        Assert.Equal(ids[1], await store.FirstAsync(ModelNames.Simulated, [ids[0]], Cancel));
        Assert.Equal(ids[3], await store.FirstAsync(Other, [], Cancel));
        Assert.Null(await store.FirstAsync(Other, [ids[3]], Cancel));
        Assert.Equal([ids[1]], (await store.DispatchAsync(ModelNames.Simulated, 1, [ids[0]], Cancel)).Select(ticket => ticket.TicketId));
        Assert.Equal([ids[0], ids[2]], (await store.DispatchAsync(ModelNames.Simulated, 9, Cancel)).Select(ticket => ticket.TicketId));
        Assert.Null(await store.FirstAsync(ModelNames.Simulated, [], Cancel));
    }

    [Fact]
    public async Task A_ticket_that_is_left_out_takes_no_place_of_its_users()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database);
        // With more of them than a dispatch for one ticket looks at.
        List<Guid> leftOut = [];
        for (var i = 0; i < 5; i++)
        {
            leftOut.AddRange(await backlog.QueueAsync(await backlog.CreateUserAsync(), TicketPriority.Normal, 1));
        }

        var tickets = await backlog.QueueAsync(await backlog.CreateUserAsync(), TicketPriority.Normal, 3);
        leftOut.Add(tickets[0]);
        var store = Store(database, concurrent: 1);

        Assert.Equal(tickets[1], await store.FirstAsync(ModelNames.Simulated, [.. leftOut], Cancel));
        Assert.Equal(tickets[1], Assert.Single(await store.DispatchAsync(ModelNames.Simulated, 9, [.. leftOut], Cancel)).TicketId);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public async Task A_dispatch_begins_a_new_lease_and_forgets_the_run_before(int concurrent)
    {
        await using var ticket = await ScratchTicket.CreateAsync(server);
        await ticket.SetAsync("worker = 'w', time_started = now(), attempt = 1, epoch = 4, trace_parent = 'tp', execution_timeout_s = 7");

        var message = Assert.Single(await Store(ticket.Database, concurrent).DispatchAsync(ModelNames.Simulated, 9, Cancel));

        Assert.Equal("dispatched 2 5", await ticket.ColumnsAsync("status, attempt, epoch, worker, time_started"));
        Assert.True(await ticket.IsAsync("lease_expires between now() + interval '20 s' and now() + interval '30 s'"));
        // Its message is gone from the queue before the lease ends.
        Assert.Equal(
            (2, 5, 7, 25, "tp", null),
            (message.Attempt, message.Epoch, message.ExecutionTimeoutSeconds, message.StartWithinSeconds, message.TraceParent,
                message.Input));
        Assert.Equal(await ticket.Database.ValueAsync<DateTime>("select expires_at from tickets"), message.Deadline.UtcDateTime);
    }

    [Fact]
    public async Task What_the_broker_did_not_take_is_returned_uncharged_unless_it_has_moved_on()
    {
        await using var ticket = await ScratchTicket.CreateAsync(server);
        var message = await ticket.DispatchAsync();
        await ticket.Dispatch.ReturnAsync([message with { Epoch = message.Epoch + 1 }], Cancel);
        Assert.Equal("dispatched 1", await ticket.ColumnsAsync("status, attempt"));

        await ticket.Dispatch.ReturnAsync([message], Cancel);
        Assert.Equal("queued 0", await ticket.ColumnsAsync("status, attempt, lease_expires"));

        var again = await ticket.StartAsync();
        await ticket.Dispatch.ReturnAsync([again], Cancel);
        Assert.Equal("running 1", await ticket.ColumnsAsync("status, attempt"));
    }

    [Fact]
    public async Task A_query_counts_what_is_in_flight_and_who_serves_it_for_each_model()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database);
        var ids = await backlog.QueueAsync(await backlog.CreateUserAsync(), TicketPriority.Normal, 9);
        // Of another model one waits; of this one, each state once or twice.
        await database.ExecuteAsync(
            $$"""
            update tickets set model = '{{Other}}' where ticket_id = '{{ids[0]}}';
            update tickets set status = 'dispatched', lease_expires = now() where ticket_id in ('{{ids[1]}}', '{{ids[2]}}');
            update tickets set status = 'running', lease_expires = now() where ticket_id in ('{{ids[3]}}', '{{ids[4]}}');
            update tickets set status = 'canceling', lease_expires = now() where ticket_id = '{{ids[5]}}';
            update tickets set status = 'failed', time_finished = now() where ticket_id = '{{ids[6]}}';
            update tickets set status = 'retryable' where ticket_id in ('{{ids[7]}}', '{{ids[8]}}');
            insert into workers (worker, slots, models, unavailable, last_seen) values
                ('a', 7, '{"simulated": 4, "idle": 3}', '[]', now()), ('b', 2, '{"simulated": 2}', '["simulated"]', now()),
                ('gone', 9, '{"simulated": 9}', '[]', now() - interval '31 s')
            """);
        var store = Store(database);
        var (mine, other, gone) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        foreach (var replica in (Guid[])[mine, other, gone, other])
        {
            await store.AnnounceAsync(replica, Cancel);
        }

        await database.ExecuteAsync($"update api_replicas set last_seen = now() - interval '16 s' where replica = '{gone}'");

        var look = await store.QueryAsync(mine, Cancel);

        Assert.Equal((2, false), (look.Replicas, look.IsPaused));
        Assert.Equal(["another", "idle", "simulated"], look.Models.Keys.Order());
        Assert.Equal(new(InFlight: 5, Slots: 6, Workers: 2, Replicas: 2, HasBacklog: false), look.Models["simulated"]);
        Assert.Equal(new(InFlight: 0, Slots: 3, Workers: 1, Replicas: 2, HasBacklog: false), look.Models["idle"]);
        Assert.Equal(new(InFlight: 0, Slots: 0, Workers: 0, Replicas: 2, HasBacklog: true), look.Models[Other]);
        Assert.Equal(8, await store.CountOpenAsync(Cancel));
        Assert.Equal(3, (await store.QueryAsync(Guid.NewGuid(), Cancel)).Replicas);

        await store.LeaveAsync(other, Cancel);
        Assert.Equal(1, (await store.QueryAsync(mine, Cancel)).Replicas);
        Assert.Equal(2, await database.ValueAsync<long>("select count(*) from api_replicas"));
        await database.ExecuteAsync("update api_replicas set last_seen = now() - interval '25 hours'");
        await store.LeaveAsync(other, Cancel);
        Assert.Equal(0, await database.ValueAsync<long>("select count(*) from api_replicas"));
    }

    [Fact]
    public async Task A_query_of_an_empty_database_knows_the_replicas_and_whether_dispatching_is_paused()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        var store = Store(database);
        DispatchPause pause = new(database.Source);
        Assert.Equal((1, 0, false), await LookAsync());

        var paused = await pause.PauseAsync(Cancel);
        Assert.True(paused.Paused);
        Assert.Equal(paused, await pause.PauseAsync(Cancel));
        Assert.Equal((1, 0, true), await LookAsync());

        Assert.Equal(new(Paused: false, PausedAt: null), await pause.ResumeAsync(Cancel));
        Assert.Equal((1, 0, false), await LookAsync());

        async Task<(int, int, bool)> LookAsync()
        {
            var look = await store.QueryAsync(Guid.NewGuid(), Cancel);
            return (look.Replicas, look.Models.Count, look.IsPaused);
        }
    }

    [Fact]
    public async Task The_backlog_of_a_model_is_seen_in_the_order_in_which_it_is_dispatched()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database);
        var ids = await backlog.QueueAsync(await backlog.CreateUserAsync(), TicketPriority.Normal, 7);
        // In the other order than their ids.
        await database.ExecuteAsync(
            $"""
            update tickets set queue_key = 100 - queue_key;
            update tickets set model = '{Other}' where ticket_id = '{ids[0]}';
            update tickets set status = 'dispatched', lease_expires = now() - queue_key * interval '-1 s'
                where ticket_id in ('{ids[4]}', '{ids[5]}');
            update tickets set status = 'running', lease_expires = now() where ticket_id = '{ids[3]}';
            update tickets set status = 'canceling', lease_expires = now() where ticket_id = '{ids[6]}'
            """);
        BacklogStore store = new(database.Source);

        var snapshot = await store.QueryAsync(ModelNames.Simulated, Cancel);

        Assert.Equal((4L, 2), (snapshot.InFlight, snapshot.Dispatched));
        Assert.Equal([1, 2], [snapshot.PositionOf(ids[5], null), snapshot.PositionOf(ids[4], null)]);
        Assert.Equal([3, 4], [snapshot.PositionOf(ids[2], null), snapshot.PositionOf(ids[1], null)]);
        // Of another model: not in the look.
        Assert.Equal(3, snapshot.PositionOf(ids[0], null));
        Assert.Equal((0L, 0), ((await store.QueryAsync(Other, Cancel)).InFlight, (await store.QueryAsync(Other, Cancel)).Dispatched));
    }

    [Fact]
    public async Task A_user_has_reached_the_limit_with_as_many_tickets_in_flight_and_not_before()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database);
        var (at, below) = (await backlog.CreateUserAsync(), await backlog.CreateUserAsync());
        var ids = await backlog.QueueAsync(at, TicketPriority.Normal, 3);
        await backlog.QueueAsync(below, TicketPriority.Normal, 2);
        await backlog.DispatchAsync(9);
        await backlog.QueueAsync(below, TicketPriority.Normal, 5);
        await database.ExecuteAsync(
            $"""
            update tickets set status = 'running' where ticket_id = '{ids[0]}';
            update tickets set status = 'canceling' where ticket_id = '{ids[1]}'
            """);
        using ConcurrencyLimit limit = new(database.Source, Options.Create(new LimitOptions { MaxConcurrentPerUser = 3 }));
        using ConcurrencyLimit off = new(database.Source, Options.Create(new LimitOptions { MaxConcurrentPerUser = 0 }));

        Assert.Equal((true, false), (await limit.IsReachedAsync(at, Cancel), await limit.IsReachedAsync(below, Cancel)));
        Assert.Equal((true, false, false), (limit.IsOn, off.IsOn, await off.IsReachedAsync(at, Cancel)));
    }

    [Fact]
    public async Task Open_tickets_of_every_state_count_against_what_a_user_may_have_open()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database);
        var (user, other) = (await backlog.CreateUserAsync(), await backlog.CreateUserAsync());
        var ids = await backlog.QueueAsync(user, TicketPriority.Normal, 4);
        await backlog.QueueAsync(other, TicketPriority.Normal, 9);
        await database.ExecuteAsync(
            $"""
            update tickets set status = 'retryable' where ticket_id = '{ids[0]}';
            update tickets set status = 'running', lease_expires = now() where ticket_id = '{ids[1]}';
            update tickets set status = 'canceled', time_finished = now() where ticket_id = '{ids[2]}'
            """);
        OpenTicketLimit limit = new(Options.Create(new LimitOptions { MaxOpenPerUser = 5 }));
        await using var connection = await database.Source.OpenConnectionAsync(Cancel);

        // Three are open: two more may be.
        var allowance = await limit.LockAsync(connection, [user, other, user]);

        Assert.Equal([true, true, false], [allowance.TryTake(user), allowance.TryTake(user), allowance.TryTake(user)]);
        Assert.False(allowance.TryTake(other));
    }

    private static DispatchStore Store(ScratchDatabase database, int concurrent = 0) => new(
        database.Source, Options.Create(new DispatchOptions()), Options.Create(new LimitOptions { MaxConcurrentPerUser = concurrent }));
}

using TicketApp.Api.Storage;
using TicketApp.Api.Waiting;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Waiting;

/// <summary>What those who follow a ticket are told, on a replica that is alone.</summary>
[Collection(AppCollection.Name)]
public sealed class TicketPollerTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_change_between_reading_a_ticket_and_following_it_is_found()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var tickets = await WaitingReplica.StoreAsync(database, 2);
        await using WaitingReplica listener = new(app, database, replicas: 1);
        await listener.StartAsync();
        using var before = listener.Poller.Subscribe(tickets[0]);
        await listener.QuietAsync();
        await database.ExecuteAsync(WaitingReplica.Start);

        using var first = listener.Poller.Subscribe(tickets[1]);
        using var second = listener.Poller.Subscribe(tickets[0]);

        await Eventually.IsTrueAsync("The starts", _limit, () =>
            ((TicketSubscription[])[before, first, second]).All(subscription => subscription.Latest?.Status == TicketStatus.Running));
    }

    [Fact]
    public async Task A_start_and_the_first_report_of_its_run_may_come_by_one_hint()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var ticket = Assert.Single(await WaitingReplica.StoreAsync(database, 1));
        await using WaitingReplica listener = new(app, database, replicas: 1);
        await listener.StartAsync();
        using var subscription = listener.Poller.Subscribe(ticket);
        await listener.QuietAsync();
        subscription.TakeProgress();

        await database.ExecuteAsync(
            WaitingReplica.Start + "; insert into ticket_progress (ticket_id, epoch, seq) select ticket_id, 1, 1 from tickets");
        listener.Poller.OnChanged(ticket.TicketId);

        await Eventually.IsTrueAsync("The start", _limit, () => subscription.Latest?.Status == TicketStatus.Running);
        Assert.True(subscription.TakeProgress());
    }

    [Fact]
    public async Task Answers_that_are_too_large_for_one_query_come_with_the_next()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var tickets = await WaitingReplica.StoreAsync(database, 40);
        await using WaitingReplica listener = new(app, database, replicas: 1);
        await listener.StartAsync();
        var subscriptions = tickets.Select(listener.Poller.Subscribe).ToArray();
        await listener.QuietAsync();
        await database.ExecuteAsync(
            "update tickets set status = 'succeeded', time_finished = now(), response = repeat('x', 1000000), queue_key = null");

        Array.ForEach(subscriptions, subscription => listener.Poller.OnChanged(subscription.TicketId));

        await Eventually.IsTrueAsync("All ends", _limit, () => subscriptions.All(subscription => subscription.Latest?.IsFinished == true));
        Array.ForEach(subscriptions, subscription => subscription.Dispose());
    }
}

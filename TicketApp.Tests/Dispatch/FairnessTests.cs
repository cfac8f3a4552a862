using TicketApp.Api.Storage;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Dispatch;

/// <summary>The order in which the real statements dispatch a backlog.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class FairnessTests(DatabaseServer server)
{
    [Fact]
    public async Task A_single_ticket_does_not_wait_for_another_users_large_backlog()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database);
        var (busy, other) = (await backlog.CreateUserAsync(), await backlog.CreateUserAsync());
        for (var i = 0; i < 10; i++)
        {
            await backlog.QueueAsync(busy, TicketPriority.Normal, 500);
        }

        await backlog.DispatchAsync(100);
        var single = Assert.Single(await backlog.QueueAsync(other, TicketPriority.Normal, 1));

        Assert.Contains(single, (await backlog.DispatchAsync(3)).Select(ticket => ticket.TicketId));
    }

    [Fact]
    public async Task Users_with_backlogs_take_turns()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database);
        Guid[] users = [await backlog.CreateUserAsync(), await backlog.CreateUserAsync(), await backlog.CreateUserAsync()];
        foreach (var user in users)
        {
            await backlog.QueueAsync(user, TicketPriority.Normal, 200);
        }

        var shares = (await backlog.DispatchAsync(90)).CountBy(ticket => ticket.UserId).ToDictionary();
        Assert.All(users, user => Assert.InRange(shares[user], 28, 32));
    }

    [Fact]
    public async Task High_priority_goes_first_and_low_priority_is_not_starved()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database);
        var user = await backlog.CreateUserAsync();
        var low = (await backlog.QueueAsync(user, TicketPriority.Low, 200)).ToHashSet();
        var normal = (await backlog.QueueAsync(user, TicketPriority.Normal, 200)).ToHashSet();
        var high = (await backlog.QueueAsync(user, TicketPriority.High, 200)).ToHashSet();
        var dispatched = (await backlog.DispatchAsync(105)).Select(ticket => ticket.TicketId).ToArray();

        // Sixteen high for four normal for one low.
        Assert.InRange(dispatched.Count(high.Contains), 75, 85);
        Assert.InRange(dispatched.Count(normal.Contains), 16, 24);
        Assert.InRange(dispatched.Count(low.Contains), 3, 7);
    }

    [Fact]
    public async Task Replicas_that_dispatch_at_once_take_different_tickets()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        ScratchBacklog backlog = new(database);
        await backlog.QueueAsync(await backlog.CreateUserAsync(), TicketPriority.Normal, 400);
        var dispatched = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => backlog.DispatchAsync(50)));

        Assert.Equal(400, dispatched.SelectMany(tickets => tickets).Select(ticket => ticket.TicketId).Distinct().Count());
    }
}

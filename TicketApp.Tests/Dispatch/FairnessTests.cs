using Microsoft.Extensions.Options;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Tickets;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Dispatch;

/// <summary>The order in which the real statements release a backlog.</summary>
[Collection(AppCollection.Name)]
public sealed class FairnessTests(AppFixture app)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_single_ticket_does_not_wait_for_another_users_large_backlog()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var (busy, other) = (await CreateUserAsync(database), await CreateUserAsync(database));
        for (var i = 0; i < 10; i++)
        {
            await QueueAsync(database, busy, TicketPriority.Normal, 500);
        }

        await ReleaseAsync(database, 100);
        var single = Assert.Single(await QueueAsync(database, other, TicketPriority.Normal, 1));

        Assert.Contains(single, (await ReleaseAsync(database, 3)).Select(ticket => ticket.TicketId));
    }

    [Fact]
    public async Task Users_with_backlogs_take_turns()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        Guid[] users = [await CreateUserAsync(database), await CreateUserAsync(database), await CreateUserAsync(database)];
        foreach (var user in users)
        {
            await QueueAsync(database, user, TicketPriority.Normal, 200);
        }

        var shares = (await ReleaseAsync(database, 90)).CountBy(ticket => ticket.UserId).ToDictionary();
        Assert.All(users, user => Assert.InRange(shares[user], 28, 32));
    }

    [Fact]
    public async Task High_priority_goes_first_and_low_priority_is_not_starved()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var user = await CreateUserAsync(database);
        var low = (await QueueAsync(database, user, TicketPriority.Low, 200)).ToHashSet();
        var normal = (await QueueAsync(database, user, TicketPriority.Normal, 200)).ToHashSet();
        var high = (await QueueAsync(database, user, TicketPriority.High, 200)).ToHashSet();
        var released = (await ReleaseAsync(database, 105)).Select(ticket => ticket.TicketId).ToArray();

        // Sixteen high for four normal for one low.
        Assert.InRange(released.Count(high.Contains), 75, 85);
        Assert.InRange(released.Count(normal.Contains), 16, 24);
        Assert.InRange(released.Count(low.Contains), 3, 7);
    }

    [Fact]
    public async Task Replicas_that_release_at_once_take_different_tickets()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await QueueAsync(database, await CreateUserAsync(database), TicketPriority.Normal, 400);
        var released = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ReleaseAsync(database, 50)));

        Assert.Equal(400, released.SelectMany(tickets => tickets).Select(ticket => ticket.TicketId).Distinct().Count());
    }

    private static async Task<Guid> CreateUserAsync(ScratchDatabase database)
    {
        var user = Guid.CreateVersion7();
        await database.ExecuteAsync($"insert into users (user_id) values ('{user}')");
        return user;
    }

    private static async Task<IEnumerable<Guid>> QueueAsync(ScratchDatabase database, Guid user, TicketPriority priority, int count)
    {
        TicketStore store = new(database.Source, Options.Create(new TicketOptions()), Options.Create(new DispatchOptions()));
        return (await store.CreateAsync([.. Enumerable.Range(0, count).Select(_ => new NewTicket(Guid.CreateVersion7(), user, priority))], release: 0)).Stored.Keys;
    }

    private static Task<IReadOnlyList<Contracts.TicketMessage>> ReleaseAsync(ScratchDatabase database, int count) =>
        new DispatchStore(database.Source, Options.Create(new DispatchOptions())).ReleaseAsync("simulated", count, Cancel);
}

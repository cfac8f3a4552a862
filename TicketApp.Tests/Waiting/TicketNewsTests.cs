using System.Text;
using System.Text.Json;
using RabbitMQ.Client.Exceptions;
using TicketApp.Api.Completion;
using TicketApp.Api.Storage;
using TicketApp.Api.Waiting;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Waiting;

/// <summary>What replicas tell each other of tickets that are waited for.</summary>
[Collection(AppCollection.Name)]
public sealed class TicketNewsTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_is_told_of_what_another_changes_and_asks_nothing_while_nothing_happens()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var ticket = Assert.Single(await WaitingReplica.StoreAsync(database, 1));
        await using WaitingReplica teller = new(app, database, replicas: 2);
        await using WaitingReplica listener = new(app, database, replicas: 2);
        await teller.StartAsync();
        await listener.StartAsync();
        using var subscription = listener.Poller.Subscribe(ticket);
        await listener.QuietAsync();

        await database.ExecuteAsync(WaitingReplica.Start);
        teller.News.OnChanged(ticket.TicketId);
        await Eventually.IsTrueAsync("The start", _limit, () => subscription.Latest?.Status == TicketStatus.Running);
        await listener.QuietAsync();
        subscription.TakeProgress();
        await database.ExecuteAsync("insert into ticket_progress (ticket_id, epoch, seq) select ticket_id, 1, 1 from tickets");
        teller.News.OnChanged(ticket.TicketId);
        await Eventually.IsTrueAsync("Progress", _limit, subscription.TakeProgress);
        await database.ExecuteAsync("delete from tickets");
        teller.News.OnChanged(ticket.TicketId);
        await Eventually.IsTrueAsync("The end", _limit, () => subscription.Latest is null);
    }

    [Fact]
    public async Task A_short_answer_is_told_and_known_without_a_statement_until_its_ticket_is_removed()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var other = Assert.Single(await WaitingReplica.StoreAsync(database, 1));
        await using WaitingReplica teller = new(app, database, replicas: 2);
        await using WaitingReplica listener = new(app, database, replicas: 2);
        await teller.StartAsync();
        await listener.StartAsync();
        using var subscription = listener.Poller.Subscribe(other);
        await listener.QuietAsync();
        var statements = listener.Statements;
        var (answered, last) = (Ended("Sad \u2603"), Ended("Happy message"));
        var (tooLong, failed) = (Ended(new('a', 1001)), Ended(null) with { Status = TicketStatus.Failed });
        // More than one message holds.
        var full = Enumerable.Range(0, 300).Select(_ => Ended(new('b', 1000))).ToArray();

        teller.News.OnEnded([.. new[] { answered, tooLong, failed }.Concat(full).Append(last).Select(Report)]);

        await Eventually.IsTrueAsync("The last answer", _limit, () => listener.Succeeded.Find(last.TicketId) is not null);
        Assert.Equal(answered, listener.Succeeded.Find(answered.TicketId));
        Assert.All(full, ticket => Assert.Equal(ticket, listener.Succeeded.Find(ticket.TicketId)));
        Assert.Null(listener.Succeeded.Find(tooLong.TicketId));
        Assert.Null(listener.Succeeded.Find(failed.TicketId));
        Assert.Equal(statements, listener.Statements);

        // Well within the ten seconds for which it would be remembered.
        teller.News.OnChanged(answered.TicketId);
        await Eventually.IsTrueAsync("It is forgotten", TimeSpan.FromSeconds(5), () => listener.Succeeded.Find(answered.TicketId) is null);
        Assert.NotNull(listener.Succeeded.Find(last.TicketId));

        var (removed, later) = (Ended("Gone"), Ended("Here"));
        teller.News.OnEnded([.. full.Take(1).Append(removed).Select(Report)]);
        teller.News.OnChanged(removed.TicketId);
        teller.News.OnEnded([Report(later)]);
        await Eventually.IsTrueAsync("The later one", _limit, () => listener.Succeeded.Find(later.TicketId) is not null);
        Assert.Null(listener.Succeeded.Find(removed.TicketId));

        static TicketSummary Ended(string? response) =>
            new(Guid.CreateVersion7(), Guid.NewGuid(), TicketStatus.Succeeded, response, TimeSpan.FromMilliseconds(1234.5));

        static EndedTicket Report(TicketSummary ticket) => new(ticket, "simulated", TimeSpan.Zero);
    }

    [Fact]
    public async Task Answers_are_not_kept_while_the_broker_is_away()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await using OtherReplica other = await OtherReplica.StartAsync(app);
        await using WaitingReplica teller = new(app, database, replicas: 2);
        TicketSummary ticket = new(Guid.CreateVersion7(), Guid.NewGuid(), TicketStatus.Succeeded, "Sad message", TimeSpan.Zero);
        teller.News.OnEnded([new(ticket, "simulated", TimeSpan.Zero)]);

        await teller.StartAsync();

        await Eventually.IsTrueAsync("The change", _limit, () => other.Heard.Any(message => message.Tickets.Contains(ticket.TicketId)));
        Assert.DoesNotContain(other.Heard, message => message.Succeeded is { Count: > 0 });
    }

    /// <summary>Its messages have no answers.</summary>
    [Fact]
    public async Task A_replica_of_the_release_before_is_heard()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await using OtherReplica other = await OtherReplica.StartAsync(app);
        await using WaitingReplica listener = new(app, database, replicas: 2);
        await listener.StartAsync();
        TicketSummary ticket = new(Guid.CreateVersion7(), Guid.NewGuid(), TicketStatus.Succeeded, "Sad message", TimeSpan.Zero);
        listener.Succeeded.Add(ticket);

        var old = $$"""{"replica":"{{Guid.NewGuid()}}","number":1,"tickets":["{{ticket.TicketId}}"]}""";
        Assert.Null(JsonSerializer.Deserialize(old, WaitingJson.Default.TicketNewsMessage)!.Succeeded);
        await other.PublishAsync(Encoding.UTF8.GetBytes(old));

        await Eventually.IsTrueAsync("It is forgotten", TimeSpan.FromSeconds(5), () => listener.Succeeded.Find(ticket.TicketId) is null);
    }

    [Fact]
    public async Task Tickets_that_nobody_follows_cost_no_statement()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var tickets = await WaitingReplica.StoreAsync(database, 2);
        await using WaitingReplica listener = new(app, database, replicas: 2);
        await using OtherReplica other = await OtherReplica.StartAsync(app);
        await listener.StartAsync();
        using var subscription = listener.Poller.Subscribe(tickets[0]);
        await other.TellAsync(1);
        await listener.QuietAsync();

        var statements = listener.Statements;
        await other.TellAsync(2, tickets[1].TicketId, Guid.NewGuid());
        await other.TellAsync(3, [.. Enumerable.Range(0, 900).Select(_ => Guid.NewGuid())]);
        await database.ExecuteAsync($"{WaitingReplica.Start} where ticket_id = '{tickets[0].TicketId}'");
        await listener.RoundsAsync(10);
        Assert.Equal((statements, TicketStatus.Queued), (listener.Statements, subscription.Latest!.Status));

        await other.TellAsync(4, tickets[0].TicketId);
        await Eventually.IsTrueAsync("The start", _limit, () => subscription.Latest?.Status == TicketStatus.Running);
    }

    /// <summary>One of an older release, one without the broker, one that hangs.</summary>
    [Fact]
    public async Task While_one_tells_nothing_all_tickets_are_asked_for_as_often_as_without_news()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var ticket = Assert.Single(await WaitingReplica.StoreAsync(database, 1));
        await using WaitingReplica listener = new(app, database, replicas: 3);
        await using OtherReplica other = await OtherReplica.StartAsync(app);
        await listener.StartAsync();
        using var subscription = listener.Poller.Subscribe(ticket);
        await other.TellAsync(1);
        await AsksAsync();
        await database.ExecuteAsync(WaitingReplica.Start);
        await Eventually.IsTrueAsync("The start", _limit, () => subscription.Latest?.Status == TicketStatus.Running);

        listener.Are(replicas: 2);
        await listener.QuietAsync();
        listener.Clock.Advance(TimeSpan.FromSeconds(5));
        await AsksAsync();
        await other.TellAsync(2);
        await listener.QuietAsync();
        await listener.News.StopAsync(Cancel);
        await AsksAsync();
        listener.Are(replicas: 1);
        await listener.QuietAsync();
        listener.Are(replicas: 0);
        await AsksAsync();

        async Task AsksAsync()
        {
            var statements = listener.Statements;
            await listener.RoundsAsync(10);
            Assert.InRange(listener.Statements - statements, 9, int.MaxValue);
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(1)]
    public async Task What_was_missed_shows_by_the_number_of_the_next_message_and_is_looked_for(long next)
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        var ticket = Assert.Single(await WaitingReplica.StoreAsync(database, 1));
        await using WaitingReplica listener = new(app, database, replicas: 2);
        await using OtherReplica other = await OtherReplica.StartAsync(app);
        await listener.StartAsync();
        using var subscription = listener.Poller.Subscribe(ticket);
        await other.TellAsync(0);
        await listener.QuietAsync();
        await database.ExecuteAsync(WaitingReplica.Start);
        await other.TellAsync(1);
        await listener.RoundsAsync(10);
        Assert.Equal(TicketStatus.Queued, subscription.Latest!.Status);

        await other.TellAsync(next);

        await Eventually.IsTrueAsync("The start", _limit, () => subscription.Latest?.Status == TicketStatus.Running);
    }

    [Fact]
    public async Task Alone_it_tells_nothing_and_once_it_is_not_it_says_that_it_lives()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await using OtherReplica other = await OtherReplica.StartAsync(app);
        await using WaitingReplica teller = new(app, database, replicas: 1);
        await teller.StartAsync();
        var (alone, late) = (Guid.NewGuid(), Guid.NewGuid());
        teller.News.OnChanged(alone);

        teller.Are(replicas: 2);

        await Eventually.IsTrueAsync("It lives", _limit, () => other.Heard.Any(message => message.Tickets.Count == 0));
        teller.News.OnChanged(late);
        await Eventually.IsTrueAsync("The news", _limit, () => other.Heard.Any(message => message.Tickets.Contains(late)));
        Assert.DoesNotContain(other.Heard, message => message.Tickets.Contains(alone));
    }

    [Fact]
    public async Task What_a_flood_leaves_no_room_for_shows_by_the_number()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await using OtherReplica other = await OtherReplica.StartAsync(app);
        await using WaitingReplica teller = new(app, database, replicas: 2);
        for (var i = 0; i < 20_005; i++)
        {
            teller.News.OnChanged(Guid.NewGuid());
        }

        await teller.StartAsync();

        await Eventually.IsTrueAsync("All that is kept", _limit, () => other.Heard.Sum(message => message.Tickets.Count) == 20_000);
        Assert.InRange(other.Heard.Min(message => message.Number), 7, long.MaxValue);
        Assert.All(other.Heard, message => Assert.InRange(message.Tickets.Count, 0, 1000));
    }

    [Fact]
    public async Task It_outlives_messages_that_it_cannot_read_and_the_loss_of_its_exchange()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await using OtherReplica other = await OtherReplica.StartAsync(app);
        await using WaitingReplica replica = new(app, database, replicas: 2);
        await replica.StartAsync();
        await Eventually.IsTrueAsync("It lives", _limit, () => !other.Heard.IsEmpty);
        var withoutTickets = $$"""{"replica":"{{Guid.NewGuid()}}","number":1,"tickets":null}""";
        foreach (var body in (string[])["", "null", "[]", """{"replica":"x"}""", withoutTickets])
        {
            await other.PublishAsync(Encoding.UTF8.GetBytes(body));
        }

        await other.TellAsync(1);
        await Eventually.IsTrueAsync("It hears", _limit, () => replica.Sources.AreComplete(2));
        Assert.Equal(0, replica.News.Restarts);

        await other.DeleteExchangeAsync();
        replica.Sources.Forget();
        await Eventually.IsTrueAsync("It hears again", _limit, async () =>
        {
            try
            {
                await other.TellAsync(2);
            }
            catch (RabbitMQClientException)
            {
                await other.ReopenAsync();
            }

            return replica.Sources.AreComplete(2);
        });
    }
}

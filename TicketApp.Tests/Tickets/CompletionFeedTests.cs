using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Npgsql;
using TicketApp.Api.Http;
using TicketApp.Api.Tickets;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Tickets;

/// <summary>The log of ends: anyone who follows it sees each end once, whatever the order in which transactions commit.</summary>
[Collection(AppCollection.Name)]
public sealed class CompletionFeedTests(AppFixture app)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static readonly CursorSeal _cursors = TestCursors.Create();

    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task Whoever_follows_the_log_sees_each_end_once()
    {
        var user = await Api.CreateUserAsync();
        var cursor = (await Api.GetAsync("/v1/tickets/changes?after=now")).Json["next"]!.GetValue<string>();
        var creating = Task.WhenAll(Enumerable.Range(0, 200).Select(_ => Api.CreateTicketAsync(user)));

        List<string> seen = [];
        await Eventually.GetAsync("All ends are in the log", TimeSpan.FromSeconds(30), async () =>
        {
            var page = await Api.GetAsync($"/v1/tickets/changes?after={cursor}&limit=7");
            cursor = page.Json["next"]!.GetValue<string>();
            var ofUser = page.Results.Where(ticket => ticket!["user_id"]!.GetValue<string>() == user);
            seen.AddRange(ofUser.Select(ticket => ticket!["id"]!.GetValue<string>()));
            return seen.Count >= 200 ? seen : null;
        });

        Assert.Equal((await creating).Select(answer => answer.Id).Order(), seen.Order());
        var later = await Api.GetAsync($"/v1/tickets/changes?after={cursor}&user_id={user}");
        Assert.Empty(later.Results);
    }

    [Fact]
    public async Task What_commits_late_is_not_missed()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        CompletionFeedStore changes = new(database.Source, _cursors);
        Guid[] tickets = [Guid.CreateVersion7(), Guid.CreateVersion7()];
        foreach (var ticket in tickets)
        {
            await database.ExecuteAsync(
                $"""
                insert into users (user_id) values ('{ticket}');
                insert into tickets (ticket_id, user_id, status, lease_expires, expires_at, due_at)
                values ('{ticket}', '{ticket}', 'dispatched', now(), now(), now())
                """);
        }

        await using var connection = await database.Source.OpenConnectionAsync(Cancel);
        await using var early = await connection.BeginTransactionAsync(Cancel);
        await using (NpgsqlCommand end = new(End(tickets[0]), connection, early))
        {
            await end.ExecuteNonQueryAsync(Cancel);
        }

        await database.ExecuteAsync(End(tickets[1]));
        var (before, cursor) = await changes.ReadAsync(Query(null), LargeTickets.Taken(), Cancel);
        Assert.Empty(before);

        await early.CommitAsync(Cancel);
        var (after, next) = await changes.ReadAsync(Query(cursor), LargeTickets.Taken(), Cancel);
        Assert.Equal(tickets, after.Select(row => row.TicketId));
        Assert.Empty((await changes.ReadAsync(Query(next), LargeTickets.Taken(), Cancel)).Rows);
        Assert.Single((await changes.ReadAsync(Query(null) with { UserId = tickets[1] }, LargeTickets.Taken(), Cancel)).Rows);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(2100)]
    public async Task A_user_among_many_sees_each_end_once_and_reads_little_of_what_is_the_others(int own)
    {
        const int Others = 20_000;
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        CompletionFeedStore changes = new(database.Source, _cursors);
        var user = Guid.CreateVersion7();
        // The user's among those of another one, all over.
        await database.ExecuteAsync(
            $"""
            insert into users (user_id) values ('{user}'), ('{Guid.Empty}');
            insert into tickets (ticket_id, user_id, status, time_created, expires_at, due_at, time_finished, finished_xid, response)
            select gen_random_uuid(), case when n % {Others / own} = 1 then '{user}'::uuid else '{Guid.Empty}' end,
                'succeeded'::ticket_status, now(), now(), now(), now(), '3'::xid8, 'Happy message'
            from generate_series(1, {Others}) n;
            analyze tickets;
            """);
        var stored = await database.ValueAsync<long>($"select count(*) from tickets where user_id = '{user}'");
        var before = await database.ReadEntriesAsync("tickets", open: 0);

        List<Guid> seen = [];
        var query = Query(null) with { UserId = user };
        var (pages, isEnd) = (0, false);
        while (!isEnd && pages < 100)
        {
            var (rows, next) = await changes.ReadAsync(query, LargeTickets.Taken(), Cancel);
            seen.AddRange(rows.Select(row => row.TicketId));
            var following = Query(next) with { UserId = user };
            isEnd = rows.Count == 0 && following.Transaction > 3;
            (query, pages) = (following, pages + 1);
        }

        Assert.Equal(stored, seen.Count);
        Assert.Equal(stored, seen.Distinct().Count());
        // Each page: the user's own twice where they are few; else so many of the log, and where it got to.
        var most = own == 3 ? 10 : 3 * 2001;
        Assert.InRange((await database.ReadEntriesAsync("tickets", open: 0) - before) / pages, 0, most);
    }

    private static string End(Guid ticket) =>
        $"""
        update tickets set status = 'succeeded', response = 'x', time_finished = now(), lease_expires = null
        where ticket_id = '{ticket}'
        """;

    private static CompletionFeedQuery Query(string? after)
    {
        var query = after is null ? [] : new Dictionary<string, StringValues> { ["after"] = after };
        return CompletionFeedQuery.Read(new QueryCollection(query), maxPage: 100, _cursors).Query!;
    }
}

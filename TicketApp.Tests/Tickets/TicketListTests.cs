using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Tickets;

/// <summary>Lists of tickets: order, pages, filters, and what is no cursor.</summary>
[Collection(AppCollection.Name)]
public sealed class TicketListTests(AppFixture app)
{
    private static readonly CursorSeal _cursors = TestCursors.Create();

    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task A_user_s_tickets_come_page_by_page_newest_first_each_once()
    {
        var (user, tickets) = await CreateAsync(23);
        await CreateAsync(3);

        List<string> listed = [];
        var pages = 0;
        string? cursor = "";
        while (cursor is not null)
        {
            var page = await Api.GetAsync($"/v1/tickets?user_id={user}&limit=5&cursor={cursor}");
            Assert.Equal(HttpStatusCode.OK, page.Status);
            listed.AddRange(Ids(page));
            cursor = page.Json["next"]?.GetValue<string>();
            pages++;
        }

        Assert.Equal(tickets.AsEnumerable().Reverse(), listed);
        Assert.Equal(5, pages);
    }

    [Fact]
    public async Task Filters_choose_by_state_and_time()
    {
        var (user, tickets) = await CreateAsync(4);
        foreach (var ticket in tickets)
        {
            await Api.FinishAsync(ticket);
        }

        var second = await CreatedAsync(tickets[1]);
        var third = await CreatedAsync(tickets[2]);

        Assert.Equal(4, Ids(await Api.GetAsync($"/v1/tickets?user_id={user}&status=failed,succeeded")).Count);
        Assert.Empty(Ids(await Api.GetAsync($"/v1/tickets?user_id={user}&status=queued,running")));
        Assert.Equal([tickets[3], tickets[2]], Ids(await Api.GetAsync($"/v1/tickets?user_id={user}&created_after={second}")));
        Assert.Equal([tickets[0]], Ids(await Api.GetAsync($"/v1/tickets?user_id={user}&created_before={second}")));
        Assert.Equal([tickets[1], tickets[0]], Ids(await Api.GetAsync($"/v1/tickets?created_before={third}&limit=2")));
        Assert.Empty(Ids(await Api.GetAsync($"/v1/tickets?user_id={Guid.NewGuid()}")));
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=101", "limit")]
    [InlineData("limit=+5", "limit")]
    [InlineData("limit=many", "limit")]
    [InlineData("user_id=somebody", "user_id")]
    [InlineData("status=done", "status")]
    [InlineData("status=queued,", "status")]
    [InlineData("created_after=yesterday", "created_after")]
    [InlineData("created_before=2026-13-01T00:00:00Z", "created_before")]
    [InlineData("limit=1&limit=2", "limit")]
    [InlineData("statuss=queued", "statuss")]
    public async Task A_parameter_that_is_wrong_is_named(string query, string field)
    {
        var problem = (await Api.GetAsync($"/v1/tickets?{query}")).Problem(HttpStatusCode.BadRequest, "invalid-request");

        Assert.Equal(field, Assert.Single(problem["errors"]!.AsObject()).Key);
    }

    [Fact]
    public async Task Only_a_cursor_of_the_same_list_is_one()
    {
        var (user, _) = await CreateAsync(3);
        var cursor = (await Api.GetAsync($"/v1/tickets?user_id={user}&limit=1")).Json["next"]!.GetValue<string>();
        Assert.Equal(HttpStatusCode.OK, (await Api.GetAsync($"/v1/tickets?user_id={user}&limit=2&cursor={cursor}")).Status);

        string[] others =
        [
            "x", "AAAA", "%01", "%F0%9F%98%80", new string('A', 5000),
            cursor[1..], cursor + "A", (cursor[0] == 'B' ? 'C' : 'B') + cursor[1..],
        ];
        foreach (var other in others)
        {
            (await Api.GetAsync($"/v1/tickets?user_id={user}&cursor={other}")).Problem(HttpStatusCode.BadRequest, "invalid-cursor");
            (await Api.GetAsync($"/v1/tickets/changes?after={other}")).Problem(HttpStatusCode.BadRequest, "invalid-cursor");
        }

        (await Api.GetAsync($"/v1/tickets?cursor={cursor}")).Problem(HttpStatusCode.BadRequest, "invalid-cursor");
        (await Api.GetAsync($"/v1/tickets/changes?after={cursor}")).Problem(HttpStatusCode.BadRequest, "invalid-cursor");
    }

    [Fact]
    public async Task A_page_reads_a_bounded_number_of_rows_and_continues_behind_them()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await database.ExecuteAsync(
            """
            insert into users (user_id) values ('00000000-0000-7000-8000-000000000001');
            insert into tickets (ticket_id, user_id, status, expires_at, due_at, time_finished)
            select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, '00000000-0000-7000-8000-000000000001',
                case when n <= 3 then 'failed' else 'succeeded' end::ticket_status, now(), now(), now()
            from generate_series(1, 15000) n
            """);
        TicketListStore lists = new(database.Source, _cursors);
        foreach (var user in (string[])["", "user_id=00000000-0000-7000-8000-000000000001"])
        {
            var (rows, next) = await ReadAsync($"?status=failed&limit=2&{user}");
            Assert.Empty(rows);
            (rows, next) = await ReadAsync($"?status=failed&limit=2&{user}&cursor={next}");
            Assert.Equal(["000000000003", "000000000002"], rows.Select(row => row.TicketId.ToString()[24..]));
            (rows, next) = await ReadAsync($"?status=failed&limit=2&{user}&cursor={next}");
            Assert.Equal((1, null), (rows.Count, next));
        }

        Task<(IReadOnlyList<TicketRecord> Rows, string? Next)> ReadAsync(string query) =>
            lists.ReadAsync(Query(query), LargeTickets.Taken(), TestContext.Current.CancellationToken);
    }

    private static TicketListQuery Query(string text) =>
        TicketListQuery.Read(new QueryCollection(QueryHelpers.ParseQuery(text)), maxPage: 100, Caller.Unrestricted, _cursors).Query!;

    private static List<string> Ids(ResourceAnswer page) => [.. page.Results.Select(ticket => ticket!["id"]!.GetValue<string>())];

    /// <summary>The time at which a ticket was created, as a filter takes it.</summary>
    private async Task<string> CreatedAsync(string ticket)
    {
        var answer = await Api.GetAsync($"/v1/tickets/{ticket}");
        return Uri.EscapeDataString(answer.Json["created_at"]!.GetValue<string>());
    }

    private async Task<(string User, List<string> Tickets)> CreateAsync(int count)
    {
        var user = await Api.CreateUserAsync();
        List<string> tickets = [];
        for (var i = 0; i < count; i++)
        {
            tickets.Add((await Api.CreateTicketAsync(user)).Id);
        }

        return (user, tickets);
    }
}

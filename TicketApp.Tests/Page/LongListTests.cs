using Microsoft.Playwright;
using TicketApp.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace TicketApp.Tests.Page;

/// <summary>What the page costs its browser and the service, however many tickets there are.</summary>
[Collection(PageCollection.Name)]
public sealed class LongListTests(AppFixture app, BrowserFixture browser)
{
    private const int PageSize = 20;
    private const int MaxElements = 2_000;

    // What a refresh could do to a reader: take away what is selected, or in focus.
    private const string CountChanges =
        """
        () => {
            window.changes = 0;
            new MutationObserver((records) => (window.changes += records.length))
                .observe(document.getElementById("list"), { subtree: true, childList: true, characterData: true });
        }
        """;

    [Fact]
    public async Task Of_10_000_tickets_a_page_is_read_and_shown_and_a_refresh_touches_nothing()
    {
        var user = await SeededTickets.InsertAsync(app, 10_000);
        await using var page = await TicketPage.CreateAsync(app.Api.BaseAddress!, browser);
        var lists = 0;
        page.Page.Request += (_, request) => lists += IsList(request.Url) ? 1 : 0;

        await page.GotoAsync(user);
        await Expect(page.Tickets).ToHaveCountAsync(PageSize);
        await Expect(page.Tickets.First).ToContainTextAsync("Answer 10000");
        Assert.Equal(1, lists);
        Assert.InRange(await ElementsAsync(), 1, MaxElements);

        await page.Page.EvaluateAsync(CountChanges);
        for (var i = 0; i < 3; i++)
        {
            var refreshed = page.Page.WaitForResponseAsync(response => IsList(response.Url));
            await page.Page.EvaluateAsync("document.dispatchEvent(new Event('visibilitychange'))");
            await (await refreshed).FinishedAsync();
        }

        await page.Button("Older").ClickAsync();
        await Expect(page.Tickets.First).ToContainTextAsync("Answer 9980");
        // The last page was left, and the next one came: nothing else.
        Assert.Equal(2 * PageSize, await page.Page.EvaluateAsync<int>("window.changes"));
        Assert.Equal(5, lists);
        Assert.InRange(await ElementsAsync(), 1, MaxElements);

        // The oldest of all are found by one request too.
        await page.Page.GetByLabel("Show", new() { Exact = true }).SelectOptionAsync("failed or too late");
        await Expect(page.Tickets).ToHaveCountAsync(3);
        Assert.Equal(6, lists);
        page.AssertNoComplaints();

        Task<int> ElementsAsync() => page.Page.EvaluateAsync<int>("document.querySelectorAll('*').length");
    }

    [Fact]
    public async Task Of_many_open_tickets_two_are_followed_first_those_that_run()
    {
        await using var page = await TicketPage.CreateAsync(app.Api.BaseAddress!, browser);
        var service = await MadeUpService.InstallAsync(page.Page);
        service.AnswerTickets(
            [.. Enumerable.Range(0, PageSize).Select(i => MadeUpService.Ticket(i, i is 7 or 12 ? "running" : "queued"))], hasMore: true);

        await page.GotoAsync(MadeUpService.User);
        await Expect(page.Tickets).ToHaveCountAsync(PageSize);
        await page.Page.WaitForResponseAsync(response => IsList(response.Url));

        var followed = service.Requests.Select(asked => asked.Request).Where(asked => asked.EndsWith("/events", StringComparison.Ordinal));
        Assert.Equal([Events(7), Events(12)], followed.Distinct().Order(StringComparer.Ordinal).Reverse());

        static string Events(int number) => $"GET /v1/tickets/{(string)MadeUpService.Ticket(number, "running")["id"]!}/events";
    }

    [Fact]
    public async Task A_long_answer_is_shown_in_full_where_it_is_opened_alone()
    {
        await using var page = await TicketPage.CreateAsync(app.Api.BaseAddress!, browser);
        var service = await MadeUpService.InstallAsync(page.Page);
        service.AnswerTickets([MadeUpService.Ticket(1, "succeeded", $""" "response": "{new string('x', 200_000)}" """)]);
        await page.GotoAsync(MadeUpService.User);

        var answer = page.Tickets.Locator(".response");
        await Expect(answer).ToHaveTextAsync(new string('x', 1000) + "…");
        await Expect(page.Tickets).ToContainTextAsync("Open its details to see all 200,000 characters.");
        var toggle = page.Tickets.GetByRole(AriaRole.Button, new() { Name = "Details of ticket" });
        await toggle.ClickAsync();
        await Expect(answer).ToHaveTextAsync(new string('x', 200_000));
        await toggle.ClickAsync();
        await Expect(answer).ToHaveTextAsync(new string('x', 1000) + "…");
    }

    private static bool IsList(string url) => url.Contains("/v1/tickets?", StringComparison.Ordinal);
}

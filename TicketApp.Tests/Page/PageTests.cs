using System.Text.Json.Nodes;
using Microsoft.Playwright;
using TicketApp.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace TicketApp.Tests.Page;

/// <summary>The page in a browser, on the running application.</summary>
[Collection(AppCollection.Name)]
public sealed class PageTests(AppFixture app, BrowserFixture browser) : IAsyncLifetime
{
    private const string Long = """{"seconds":60}""";

    private TicketPage _page = null!;

    public async ValueTask InitializeAsync() => _page = await TicketPage.OpenAsync(app, browser);

    public ValueTask DisposeAsync() => _page?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact]
    public async Task A_submitted_ticket_is_answered_and_there_again_after_a_reload()
    {
        await _page.SubmitAsync("""{"seed":1,"seconds":1}""");

        await Expect(_page.Tickets).ToContainTextAsync("Running");
        await Expect(_page.Tickets).ToContainTextAsync("Happy message");
        await Expect(_page.Said).ToContainTextAsync("Answered. Happy message");
        await Expect(_page.Text).ToHaveValueAsync("");

        await _page.Page.ReloadAsync();
        await Expect(_page.Tickets).ToContainTextAsync("Happy message");
        _page.AssertNoComplaints();
    }

    [Fact]
    public async Task A_link_opens_a_ticket_of_another_user_and_says_what_is_missing()
    {
        var other = await app.CreateUserAsync();
        var id = await app.CreateTicketAsync(other);
        var answer = await app.FinishAsync(id);

        await _page.Page.GotoAsync($"/#/tickets/{id}");

        var linked = _page.Page.GetByRole(AriaRole.Region, new() { Name = "Linked ticket" });
        await Expect(linked).ToContainTextAsync(answer);
        await Expect(linked.GetByRole(AriaRole.Article)).ToBeFocusedAsync();
        await Expect(linked).ToContainTextAsync(other);
        await Expect(linked).ToContainTextAsync($"/v1/tickets/{id}'");
        _page.AssertNoComplaints();

        await _page.Page.GotoAsync("/#/tickets/01a205da-a652-7c22-acef-f60a0caf4604");
        await Expect(linked).ToContainTextAsync("There is no ticket 01a205da-a652-7c22-acef-f60a0caf4604");
    }

    [Fact]
    public async Task A_list_is_filtered_and_turned_to_older_tickets()
    {
        await _page.SubmitAsync("""{"seed":1,"seconds":0}""");
        await Expect(_page.Tickets).ToContainTextAsync("Happy message");
        var user = await _page.UserIdAsync();
        for (var i = 0; i < 20; i++)
        {
            await app.FinishAsync(await app.CreateTicketAsync(user));
        }

        await _page.Page.ReloadAsync();
        await Expect(_page.Tickets).ToHaveCountAsync(20);
        await _page.Button("Older").ClickAsync();
        await Expect(_page.Tickets).ToHaveCountAsync(1);
        await Expect(_page.Tickets).ToContainTextAsync("""{"seed":1,"seconds":0}""");
        await _page.Button("Newer").ClickAsync();
        await Expect(_page.Tickets).ToHaveCountAsync(20);
        await _page.Page.GetByLabel("Show", new() { Exact = true }).SelectOptionAsync("open");
        await Expect(_page.Tickets).ToHaveCountAsync(0);
        await Expect(_page.Page.GetByText("None of these")).ToBeVisibleAsync();
        _page.AssertNoComplaints();
    }

    [Fact]
    public async Task While_the_service_is_away_the_page_says_so_keeps_the_text_and_comes_back()
    {
        await _page.SubmitAsync("""{"seed":1,"seconds":0}""");
        await Expect(_page.Tickets).ToContainTextAsync("Happy message");
        var problem = new JsonObject { ["type"] = "urn:ticketapp:problem:unavailable", ["title"] = "The service is temporarily unavailable", ["status"] = 503, ["detail"] = "Try again." };
        await _page.Page.RouteAsync("**/v1/**", route => route.FulfillAsync(new()
        {
            Status = 503,
            ContentType = "application/problem+json",
            Headers = new Dictionary<string, string> { ["Retry-After"] = "3" },
            Body = problem.ToJsonString(),
        }));

        await _page.SubmitAsync("Keep me");

        await Expect(_page.Page.Locator("#form-error")).ToContainTextAsync("The service is temporarily unavailable. Your text is kept: submit it again");
        await Expect(_page.Text).ToHaveValueAsync("Keep me");
        await Expect(_page.Page.Locator("#banner")).ToContainTextAsync("Trying again in");
        await Expect(_page.Tickets).ToContainTextAsync("Happy message");

        await _page.Page.UnrouteAllAsync();
        await Expect(_page.Page.Locator("#banner")).ToBeHiddenAsync();
        await _page.Button("Submit ticket").ClickAsync();
        await Expect(_page.Tickets).ToHaveCountAsync(2);
        await Expect(_page.Text).ToHaveValueAsync("");
    }

    [Fact]
    public async Task Everything_is_done_by_keyboard()
    {
        var keyboard = _page.Page.Keyboard;
        await _page.TabToAsync(_page.Text);
        await keyboard.TypeAsync(Long);
        await _page.TabToAsync(_page.Button("Submit ticket"));
        await keyboard.PressAsync("Enter");
        var ticket = _page.Tickets.First;
        await Expect(ticket).ToContainTextAsync("Running");

        await _page.TabToAsync(ticket.GetByRole(AriaRole.Button, new() { Name = "Details of ticket" }));
        await keyboard.PressAsync("Enter");

        await Expect(ticket.GetByText("Gives up at")).ToBeVisibleAsync();
        Assert.Matches("#/tickets/[0-9a-f-]{36}$", _page.Page.Url);
        _page.AssertNoComplaints();
    }

    [Theory]
    [InlineData(320, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    public async Task Every_control_has_a_name_and_nothing_is_wider_than_the_screen(int width, ColorScheme scheme)
    {
        await _page.DisposeAsync();
        _page = await TicketPage.OpenAsync(app, browser, new() { ViewportSize = new() { Width = width, Height = 740 }, ColorScheme = scheme });
        await _page.SubmitAsync(new string('w', 300));
        await _page.Tickets.GetByRole(AriaRole.Button, new() { Name = "Details of ticket" }).ClickAsync();
        await _page.Page.GetByText("Your user").ClickAsync();
        await _page.Page.GetByText("More", new() { Exact = true }).ClickAsync();
        await Expect(_page.Page.GetByLabel("Priority", new() { Exact = true })).ToBeVisibleAsync();

        Assert.Equal(width, await _page.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        foreach (var role in (AriaRole[])[AriaRole.Banner, AriaRole.Main])
        {
            await Expect(_page.Page.GetByRole(role)).ToHaveCountAsync(1);
        }

        await Expect(_page.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("TicketApp");
        Assert.Empty(await _page.NamelessControlsAsync());
        Assert.Empty(await _page.FaintTextsAsync());
        _page.AssertNoComplaints();
    }
}

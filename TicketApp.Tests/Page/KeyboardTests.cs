using Microsoft.Playwright;
using TicketApp.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace TicketApp.Tests.Page;

/// <summary>The page by keyboard alone, on the running application.</summary>
[Collection(PageCollection.Name)]
public sealed class KeyboardTests(AppFixture app, BrowserFixture browser)
{
    private const string Back = "Shift+Tab";

    [Fact]
    public async Task The_whole_journey_is_made_by_keys_and_the_focus_stays_where_it_is_seen()
    {
        var user = await SeededTickets.InsertAsync(app, 25);
        await using var page = await TicketPage.OpenAsync(app, browser);
        var keyboard = page.Page.Keyboard;

        // Sign in.
        await page.TabToAsync(page.Page.Locator("#account summary"));
        await keyboard.PressAsync("Enter");
        await page.TabToAsync(page.Page.GetByLabel("User ID", new() { Exact = true }));
        await keyboard.TypeAsync(user);
        await keyboard.PressAsync("Enter");
        await Expect(page.Tickets).ToHaveCountAsync(20);

        // Submit.
        await page.TabToAsync(page.Text, Back);
        await keyboard.TypeAsync("""{"seconds":60}""");
        await page.TabToAsync(page.Button("Submit ticket"));
        await keyboard.PressAsync("Enter");
        var ticket = page.Tickets.First;
        await Expect(ticket).ToContainTextAsync("Running");
        await Expect(page.Button("Submit ticket")).ToBeFocusedAsync();

        // Open, and keep the focus while the list is refreshed.
        var toggle = ticket.GetByRole(AriaRole.Button, new() { Name = "Details of ticket" });
        await page.TabToAsync(toggle);
        await keyboard.PressAsync("Enter");
        await Expect(ticket.GetByText("Gives up at")).ToBeVisibleAsync();
        Assert.Matches("#/tickets/[0-9a-f-]{36}$", page.Page.Url);
        await page.Page.RunAndWaitForResponseAsync(
            () => Task.CompletedTask, response => response.Url.Contains("/v1/tickets?", StringComparison.Ordinal));
        await Expect(toggle).ToBeFocusedAsync();

        // Cancel and retry: the button that is gone gives the focus to its ticket.
        await page.TabToAsync(ticket.GetByRole(AriaRole.Button, new() { Name = "Cancel ticket" }));
        await keyboard.PressAsync("Enter");
        await Expect(ticket).ToContainTextAsync("Canceled before it was answered");
        await Expect(ticket).ToBeFocusedAsync();
        await page.AssertFocusIsSeenAsync();
        await page.TabToAsync(ticket.GetByRole(AriaRole.Button, new() { Name = "Retry ticket" }));
        await keyboard.PressAsync("Enter");
        await Expect(ticket).ToContainTextAsync("Running");
        await Expect(ticket).ToBeFocusedAsync();

        // Filter.
        await page.TabToAsync(page.Page.GetByLabel("Show", new() { Exact = true }), Back);
        await keyboard.PressAsync("ArrowDown");
        await Expect(page.Tickets).ToHaveCountAsync(1);
        await keyboard.PressAsync("ArrowUp");
        await Expect(page.Tickets).ToHaveCountAsync(20);

        // Page on.
        await page.TabToAsync(page.Button("Older"));
        await keyboard.PressAsync("Enter");
        await Expect(page.Tickets).ToHaveCountAsync(6);
        await Expect(page.Said).ToHaveTextAsync("Page 2");
        await Expect(page.Page.Locator("#tickets")).ToBeFocusedAsync();

        // And over all that, at once.
        await page.Page.ReloadAsync();
        await page.TabToAsync(page.Page.GetByText("Skip to your tickets"));
        await keyboard.PressAsync("Enter");
        await Expect(page.Page.Locator("#tickets")).ToBeFocusedAsync();
        page.AssertNoComplaints();
    }
}

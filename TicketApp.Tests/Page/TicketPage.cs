using Microsoft.Playwright;
using TicketApp.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace TicketApp.Tests.Page;

/// <summary>The page, opened in a browser context of its own.</summary>
internal sealed class TicketPage : IAsyncDisposable
{
    private const float Patience = 20_000;
    private const int MaxTabs = 100;

    // What has the focus; empty if it is seen, or is the page itself, between its end and its beginning.
    private const string UnseenFocus =
        """
        () => {
            const element = document.activeElement;
            const { outlineStyle, outlineWidth } = getComputedStyle(element);
            const { top, bottom } = element.getBoundingClientRect();
            const isSeen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && bottom > 0 && top < innerHeight;
            return isSeen || element === document.body ? "" : element.outerHTML.slice(0, 200);
        }
        """;

    private readonly List<string> _complaints = [];

    private TicketPage(IPage page)
    {
        Page = page;
        page.SetDefaultTimeout(Patience);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                _complaints.Add($"{message.Text} ({message.Location})");
            }
        };
        page.PageError += (_, error) => _complaints.Add(error);
    }

    public IPage Page { get; }

    public ILocator Text => Page.GetByLabel("Text", new() { Exact = true });

    public ILocator Model => Page.GetByLabel("Model", new() { Exact = true });

    public ILocator Tickets => Page.GetByRole(AriaRole.Region, new() { Name = "Your tickets" }).GetByRole(AriaRole.Article);

    /// <summary>What screen readers are told.</summary>
    public ILocator Said => Page.Locator("#live");

    public static async Task<TicketPage> OpenAsync(RunningApp app, BrowserFixture browser, BrowserNewContextOptions? options = null)
    {
        var page = await OpenAsync(app.Api.BaseAddress!, browser, options);
        await Expect(page.Model).ToHaveValueAsync("simulated");
        return page;
    }

    /// <summary>Opens the page of that Api, as somebody who was never there.</summary>
    public static async Task<TicketPage> OpenAsync(Uri api, BrowserFixture browser, BrowserNewContextOptions? options = null)
    {
        var page = await CreateAsync(api, browser, options);
        await page.GotoAsync();
        return page;
    }

    /// <summary>An empty page, which <see cref="GotoAsync"/> brings to that Api.</summary>
    public static async Task<TicketPage> CreateAsync(Uri api, BrowserFixture browser, BrowserNewContextOptions? options = null)
    {
        SetDefaultExpectTimeout(Patience);
        return new(await browser.OpenPageAsync(api, options));
    }

    /// <summary>Opens the page, for a user that its browser knows from before.</summary>
    public async Task GotoAsync(string? userId = null, string address = "/")
    {
        if (userId is not null)
        {
            await Page.AddInitScriptAsync($"localStorage.setItem('ticketapp.user', '{userId}')");
        }

        await Page.GotoAsync(address);
    }

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    public async Task SubmitAsync(string text)
    {
        await Text.FillAsync(text);
        await Button("Submit ticket").ClickAsync();
    }

    public Task<string> UserIdAsync() => Page.EvaluateAsync<string>("localStorage.getItem('ticketapp.user')");

    /// <summary>The key that the browser keeps; empty without one.</summary>
    public Task<string> KeyAsync() => Page.EvaluateAsync<string>("localStorage.getItem('ticketapp.key')");

    /// <summary>Presses a key, the tabulator, until it is on <paramref name="target"/>; where it stops is seen each time.</summary>
    public async Task TabToAsync(ILocator target, string key = "Tab")
    {
        for (var i = 0; i < MaxTabs; i++)
        {
            await Page.Keyboard.PressAsync(key);
            await AssertFocusIsSeenAsync();
            if (await target.EvaluateAsync<bool>("element => element === document.activeElement"))
            {
                return;
            }
        }

        Assert.Fail($"The tabulator does not lead to {target}.");
    }

    /// <summary>Asserts that what has the focus is on the screen, with a line around it.</summary>
    public async Task AssertFocusIsSeenAsync()
    {
        var unseen = await Page.EvaluateAsync<string>(UnseenFocus);
        Assert.True(string.IsNullOrEmpty(unseen), $"The focus is not seen on {unseen}");
    }

    /// <summary>Asserts that the browser had nothing to complain of: no error, nothing that the policy forbids.</summary>
    public void AssertNoComplaints() => Assert.True(_complaints.Count == 0, string.Join('\n', _complaints));

    public async ValueTask DisposeAsync()
    {
        var context = Page.Context;
        await Page.CloseAsync();
        await context.DisposeAsync();
    }
}

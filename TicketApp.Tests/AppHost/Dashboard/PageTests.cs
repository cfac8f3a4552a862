using System.Text.RegularExpressions;
using Microsoft.Playwright;
using TicketApp.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace TicketApp.Tests.AppHost.Dashboard;

/// <summary>The dashboard in a browser.</summary>
[Collection(DashboardCollection.Name)]
public sealed partial class PageTests(DashboardFixture dashboard, BrowserFixture browser) : IAsyncLifetime
{
    private const float Patience = 30_000;

    private readonly List<string> _complaints = [];
    private IPage _page = null!;

    public async ValueTask InitializeAsync()
    {
        _page = await LogInAsync();
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_page is not null)
        {
            var context = _page.Context;
            await _page.DisposeAsync();
            await context.DisposeAsync();
        }
    }

    [Fact]
    public async Task After_the_login_all_resources_are_seen_healthy()
    {
        await Expect(_page.Locator("#health")).ToHaveTextAsync(AllHealthy());
        foreach (var name in (string[])["postgres", "rabbitmq", "api", "worker"])
        {
            await Expect(_page.GetByRole(AriaRole.Row).Filter(new() { HasText = name }).First).ToContainTextAsync("Running");
        }

        Assert.DoesNotContain("t=", _page.Url, StringComparison.Ordinal);
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task A_ticket_just_made_has_a_trace_that_opens_by_keyboard()
    {
        await dashboard.CreateTicketAsync();

        await _page.GetByRole(AriaRole.Link, new() { Name = "Traces", Exact = true }).ClickAsync();
        await _page.GetByLabel("Text").FillAsync("POST /ticket");
        var row = _page.GetByRole(AriaRole.Row).Filter(new() { HasText = "POST /ticket" }).First;
        await row.GetByRole(AriaRole.Link).FocusAsync(new() { Timeout = Patience });
        await _page.Keyboard.PressAsync("Enter");

        var span = _page.GetByRole(AriaRole.List, new() { Name = "Spans" }).GetByRole(AriaRole.Button).Filter(new() { HasText = "POST /ticket" });
        await Expect(span.Locator(".bar")).ToBeVisibleAsync();
        await span.PressAsync("Enter");
        var details = _page.GetByRole(AriaRole.Complementary);
        await Expect(details).ToContainTextAsync("http.route");
        await Expect(details).ToContainTextAsync("/ticket");
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task Logs_are_filtered_by_level_resource_and_text()
    {
        await _page.GetByRole(AriaRole.Link, new() { Name = "Logs", Exact = true }).ClickAsync();
        await dashboard.ExecuteAsync((await dashboard.InstancesAsync("worker"))[^1], "restart");
        await _page.GetByLabel("Resource").SelectOptionAsync("worker");
        await _page.GetByLabel("Text").FillAsync("APPLICATION STARTED");
        var rows = _page.Locator("summary");
        await Expect(rows.First).ToContainTextAsync("Application started", new() { Timeout = Patience });
        await rows.First.PressAsync("Enter");
        await Expect(_page.Locator("details[open]")).ToContainTextAsync("Microsoft.Hosting.Lifetime");
        Assert.DoesNotContain(await rows.AllTextContentsAsync(), text => text.Contains("listening", StringComparison.OrdinalIgnoreCase));

        await _page.GetByLabel("Level").SelectOptionAsync("Errors");
        await Expect(rows).ToHaveCountAsync(0);
        Assert.Contains("severity=17", _page.Url, StringComparison.Ordinal);
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task A_worker_is_restarted_and_its_console_shows_the_new_start()
    {
        var id = await dashboard.InstanceAsync("worker");
        await _page.GotoAsync($"/#/resources/{id}");
        var details = _page.GetByRole(AriaRole.Complementary);
        var process = details.Locator("dt:has-text('Process') + dd");
        await Expect(process).ToHaveTextAsync(Digits());
        var before = await process.TextContentAsync();

        await details.GetByRole(AriaRole.Button, new() { Name = "Restart" }).ClickAsync();

        await Expect(process).Not.ToHaveTextAsync(before!, new() { Timeout = Patience });
        await Expect(_page.Locator("#health")).ToHaveTextAsync(AllHealthy(), new() { Timeout = Patience });
        await details.GetByRole(AriaRole.Link, new() { Name = "Console" }).ClickAsync();
        await Expect(_page.GetByRole(AriaRole.Log).GetByText("Application started").Nth(1)).ToBeVisibleAsync(new() { Timeout = Patience });
        Assert.Empty(_complaints);
    }

    [Fact]
    public async Task Every_view_fits_a_phone_in_the_dark()
    {
        await dashboard.CreateTicketAsync();
        await DisposeAsync();
        _page = await LogInAsync(new() { ViewportSize = new() { Width = 360, Height = 740 }, ColorScheme = ColorScheme.Dark });
        Assert.Equal("rgb(18, 22, 28)", await _page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor"));
        foreach (var (view, sign) in new[] { ("resources", "tbody tr"), ("console", "[role=log] div"), ("logs", "summary"), ("traces", "tbody tr"), ("metrics", ".chart svg") })
        {
            await _page.GotoAsync($"/#/{view}");
            await Expect(_page.Locator(sign).First).ToBeVisibleAsync(new() { Timeout = Patience });
            Assert.Equal((view, 360), (view, await _page.EvaluateAsync<int>("document.documentElement.scrollWidth")));
        }

        Assert.Empty(_complaints);
    }

    [GeneratedRegex(@"^All \d+ healthy$")]
    private static partial Regex AllHealthy();

    [GeneratedRegex(@"^\d+$")]
    private static partial Regex Digits();

    /// <summary>A page that was opened at the address that the AppHost printed; what it complains of is noted, a breach of its policy among that.</summary>
    private async Task<IPage> LogInAsync(BrowserNewContextOptions? options = null)
    {
        var page = await browser.OpenPageAsync(dashboard.Url, options);
        page.PageError += (_, error) => _complaints.Add(error);
        page.Console += (_, message) => _complaints.AddRange(message.Type == "error" ? [message.Text] : []);
        await page.GotoAsync(dashboard.Login.ToString());
        await Expect(page.Locator("#health")).ToHaveTextAsync(AllHealthy(), new() { Timeout = Patience });
        return page;
    }
}

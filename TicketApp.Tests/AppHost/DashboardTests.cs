using System.Text.RegularExpressions;
using Microsoft.Playwright;
using TicketApp.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace TicketApp.Tests.AppHost;

/// <summary>Aspire's dashboard in a browser, with what the application shows there.</summary>
[Collection(AspireCollection.Name)]
public sealed class DashboardTests(AspireApp app, BrowserFixture browser)
{
    private const float Patience = 60_000;

    [Fact]
    public async Task After_the_login_all_resources_are_seen_running()
    {
        await using var page = await Page.OpenAsync(app, browser);

        foreach (var name in (string[])["postgres", "rabbitmq", "api", "worker"])
        {
            var row = page.Value.GetByRole(AriaRole.Row).Filter(new() { HasText = name }).Filter(new() { HasText = "Running" }).First;
            await Expect(row).ToBeVisibleAsync(new() { Timeout = Patience });
        }

        Assert.DoesNotContain("t=", page.Value.Url, StringComparison.Ordinal);
        await Expect(page.Value.GetByText("Unhealthy")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Nobody_gets_in_without_the_token()
    {
        await using var page = await Page.OpenAsync(app, browser);
        await page.Value.Context.ClearCookiesAsync();

        await page.Value.GotoAsync("/");

        await Expect(page.Value).ToHaveURLAsync(new Regex("/login"), new() { Timeout = Patience });
    }

    [Fact]
    public async Task A_ticket_just_made_is_a_trace_with_all_its_spans()
    {
        await app.CreateTicketAsync("""{"seed":1}""");
        await using var page = await Page.OpenAsync(app, browser);

        await page.Value.GotoAsync("/traces");
        await page.Value.GetByText("api: POST /v1/tickets").Last.ClickAsync(new() { Timeout = Patience });

        string[] spans = ["store tickets", "dispatch tickets", "MSG rabbitmq", "run ticket", "send reports", "record reports"];
        await page.ShowsAsync(spans);
    }

    [Fact]
    public async Task Structured_logs_are_filtered()
    {
        await using var page = await Page.OpenAsync(app, browser);

        await page.Value.GotoAsync("/structuredlogs/resource/api");
        // What is typed before the first rows are there is lost.
        await Expect(Rows("api").First).ToBeVisibleAsync(new() { Timeout = Patience });
        await page.Value.Locator("[name=structured-logs-search] input").FillAsync("application started");

        await Expect(Rows("Application started").First).ToBeVisibleAsync(new() { Timeout = Patience });
        await Expect(Rows("Now listening")).ToHaveCountAsync(0, new() { Timeout = Patience });

        ILocator Rows(string text) => page.Value.GetByRole(AriaRole.Row).Filter(new() { HasText = text });
    }

    [Fact]
    public async Task Metrics_are_those_of_the_table()
    {
        await using var page = await Page.OpenAsync(app, browser);
        var documented = Documents.Table("docs/telemetry.md", "| instrument |").Select(cells => cells[0].Trim('`')).ToHashSet();
        await app.CreateTicketAsync("""{"seed":1}""");

        await page.Value.GotoAsync("/metrics/resource/api?meter=TicketApp");
        string[] always =
        [
            "ticketapp.tickets.created", "ticketapp.tickets.queued", "ticketapp.tickets.running", "ticketapp.tickets.oldest.age",
            "ticketapp.workers", "ticketapp.slots", "ticketapp.dispatch.window", "ticketapp.dispatch.duration", "ticketapp.batch.size",
            "ticketapp.broker.restarts",
        ];
        // Each comes with its first value, at a time of its own.
        await page.ShowsAsync(always);

        var text = await page.Value.Locator("body").InnerTextAsync();
        Assert.Subset(documented, Regex.Matches(text, @"\bticketapp(\.\w+)+").Select(match => match.Value).ToHashSet());
    }

    [Fact]
    public async Task An_admin_command_is_run()
    {
        await using var page = await Page.OpenAsync(app, browser);

        await page.ClickCommandAsync("api", "Check invariants");

        await page.IsToldAsync(new("Check invariants.*succeeded", RegexOptions.IgnoreCase));
    }

    [Fact]
    public async Task A_worker_is_restarted_and_its_console_shows_the_new_start()
    {
        var worker = app.InstancesOf("worker")[0].ResourceId;
        await using var page = await Page.OpenAsync(app, browser);

        await page.ClickCommandAsync(worker, "Restart");

        await page.IsToldAsync(new("Restart.*succeeded|restarted", RegexOptions.IgnoreCase));
        await app.WaitUntilHealthyAsync(worker);
        await page.Value.GotoAsync($"/consolelogs/resource/{worker}");
        await page.ShowsAsync("Application started");
    }

    /// <summary>A page that closes with its cookies.</summary>
    private sealed class Page(IPage page) : IAsyncDisposable
    {
        public IPage Value => page;

        public static async Task<Page> OpenAsync(AspireApp app, BrowserFixture browser) => new(await app.OpenDashboardAsync(browser));

        /// <summary>Waits until all texts are there, whole or as parts.</summary>
        public async Task ShowsAsync(params string[] texts)
        {
            foreach (var text in texts)
            {
                await Expect(page.GetByText(text).First).ToBeVisibleAsync(new() { Timeout = Patience });
            }
        }

        public async Task ClickCommandAsync(string resource, string command)
        {
            var row = page.GetByRole(AriaRole.Row).Filter(new() { HasText = resource }).Filter(new() { HasText = "Running" }).First;
            await row.GetByRole(AriaRole.Button, new() { Name = "Actions" }).ClickAsync(new() { Timeout = Patience });
            await Expect(page.GetByRole(AriaRole.Menuitem, new() { Name = "View details" })).ToBeVisibleAsync(new() { Timeout = Patience });
            // Where a resource has more than a few, they are in a menu of their own.
            var commands = page.GetByRole(AriaRole.Menuitem).Filter(new() { HasText = "Commands" });
            if (await commands.CountAsync() > 0)
            {
                await commands.First.HoverAsync(new() { Timeout = Patience });
            }

            await page.GetByRole(AriaRole.Menuitem).Filter(new() { HasText = command }).Last.ClickAsync(new() { Timeout = Patience });
        }

        /// <summary>Waits for a notification in the panel, where it stays: what pops up is gone after some seconds.</summary>
        public async Task IsToldAsync(Regex text)
        {
            await page.Keyboard.PressAsync("Escape");
            await page.GetByRole(AriaRole.Button, new() { Name = "Notifications" }).ClickAsync(new() { Timeout = Patience });
            await Expect(page.GetByText(text).Filter(new() { Visible = true }).First).ToBeVisibleAsync(new() { Timeout = Patience });
        }

        public async ValueTask DisposeAsync() => await page.Context.DisposeAsync();
    }
}

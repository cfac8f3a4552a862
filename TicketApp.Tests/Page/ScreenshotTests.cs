using Microsoft.Playwright;
using TicketApp.Tests.Fixtures;
using TicketApp.Tests.Models;
using TicketApp.Worker.Models.Endpoints;
using static Microsoft.Playwright.Assertions;

namespace TicketApp.Tests.Page;

/// <summary>Takes the pictures of the page that the docs show. Run it when the page looks different (CONTRIBUTING.md).</summary>
[Collection(PageCollection.Name)]
public sealed class ScreenshotTests(AppFixture app, BrowserFixture browser)
{
    private static readonly string _images = Path.Combine(Repository.Root, "docs", "images");

    [Fact(Explicit = true)]
    public async Task The_page_with_an_answer_that_grows()
    {
        await using var server = await ChatServer.StartAsync(async exchange =>
        {
            await exchange.SayAsync("A queue keeps work safe while nobody is free to do it. It smooths out bursts: callers get an ");
            await exchange.SayAsync("answer at once, workers take the next piece when they are ready, and a worker that dies");
            await exchange.StallAsync();
        });
        await using var worker = await TestWorker.StartAsync(
            app, "chat", builder => builder.AddConfiguredModels(), ChatHost.Settings(server.Url));
        var user = await app.CreateUserAsync();
        await FinishAsync(user, "simulated", """{"seconds":0,"fail":"out of memory"}""", "failed");
        await FinishAsync(user, "sentiment", "Two hours that I will never get back.", "succeeded");
        await FinishAsync(user, "sentiment", "A moving, funny film with a heart.", "succeeded");
        await app.CreateTicketAsync(user, "simulated", """{"seed":2,"seconds":40,"progress":true}""");
        await using var page = await TicketPage.CreateAsync(app.Api.BaseAddress!, browser, Screen);
        await page.GotoAsync(user);
        await page.Model.SelectOptionAsync("chat");
        await page.SubmitAsync("Why does a service put a queue before its models?");
        await Expect(page.Tickets.First).ToContainTextAsync("a worker that dies");
        await Expect(page.Tickets.Nth(1)).ToContainTextAsync("% done");
        await page.Text.FillAsync("And what does it cost?");
        await page.Page.EvaluateAsync("document.activeElement.blur()");

        await TakeAsync(page, "page");
    }

    [Fact(Explicit = true)]
    public async Task The_form_of_a_schema_with_an_error()
    {
        await using var painter = await PainterModel.StartAsync(app, "painter");
        await using var page = await TicketPage.OpenAsync(app, browser, Screen);
        await page.Model.SelectOptionAsync("painter");
        await page.Page.GetByLabel("Prompt").FillAsync("A lighthouse in the fog");
        await page.Button("Submit ticket").ClickAsync();
        await Expect(page.Tickets).ToContainTextAsync("pictures.example");
        await page.Tickets.GetByRole(AriaRole.Button, new() { Name = "Details of ticket" }).ClickAsync();
        await page.Page.GetByLabel("Sizes").FillAsync("[512, 511]");
        await page.Button("Submit ticket").ClickAsync();
        await Expect(page.Page.GetByLabel("Sizes")).ToBeFocusedAsync();

        await TakeAsync(page, "form");
    }

    private static BrowserNewContextOptions Screen => new() { ViewportSize = new() { Width = 1160, Height = 1000 } };

    private static async Task TakeAsync(TicketPage page, string name)
    {
        await page.Page.EvaluateAsync("scrollTo(0, 0)");
        foreach (var (scheme, suffix) in ((ColorScheme, string)[])[(ColorScheme.Light, ""), (ColorScheme.Dark, "-dark")])
        {
            await page.Page.EmulateMediaAsync(new() { ColorScheme = scheme });
            await page.Page.ScreenshotAsync(new() { Path = Path.Combine(_images, $"{name}{suffix}.png") });
        }
    }

    private async Task FinishAsync(string user, string model, string input, string status)
    {
        var ticket = await app.CreateTicketAsync(user, model, input);
        Assert.Equal(status, (await new ResourceClient(app.Api).FinishAsync(ticket)).TicketStatus);
    }
}

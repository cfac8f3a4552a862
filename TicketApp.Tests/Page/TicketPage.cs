using Microsoft.Playwright;
using TicketApp.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace TicketApp.Tests.Page;

/// <summary>The page, opened in a browser context of its own.</summary>
internal sealed class TicketPage : IAsyncDisposable
{
    private const float Patience = 20_000;
    private const int MaxTabs = 40;

    // Names as they are computed for assistive technology; what is hidden has none and needs none.
    private const string NamelessControls =
        """
        [...document.querySelectorAll("button, a[href], input, select, textarea, summary, progress")]
            .filter((element) => element.checkVisibility())
            .filter((element) => {
                const text = element.labels?.length ? element.labels[0].innerText : element.innerText;
                return !element.ariaLabel && text.trim() === "";
            })
            .map((element) => element.outerHTML.slice(0, 100))
        """;

    // WCAG 1.4.3: 4.5 to 1. The background is that of the nearest element that has one.
    private const string FaintTexts =
        """
        (() => {
            const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
            const rgb = (color, under) => {
                canvas.fillStyle = under; canvas.fillRect(0, 0, 1, 1);
                canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
                return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
            };
            const luminance = (channels) => {
                const [r, g, b] = channels
                    .map((value) => value / 255)
                    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const ground = (element) => {
                const color = getComputedStyle(element).backgroundColor;
                return color === "rgba(0, 0, 0, 0)" && element.parentElement ? ground(element.parentElement) : color;
            };
            return [...document.querySelectorAll("body *")]
                .filter((element) => element.checkVisibility())
                .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ""))
                .filter((element) => !element.closest("[disabled], .unseen, .skip"))
                .map((element) => {
                    const under = ground(element);
                    const [light, dark] = [rgb(getComputedStyle(element).color, under), rgb(under, under)]
                        .map((color) => luminance(color))
                        .sort((a, b) => b - a);
                    return { text: element.textContent.trim().slice(0, 40), ratio: (light + 0.05) / (dark + 0.05) };
                })
                .filter(({ ratio }) => ratio < 4.5)
                .map(({ text, ratio }) => `${text}: ${ratio.toFixed(2)}`);
        })()
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
        SetDefaultExpectTimeout(Patience);
        TicketPage page = new(await browser.OpenPageAsync(api, options));
        await page.Page.GotoAsync("/");
        return page;
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

    /// <summary>Presses the tabulator until it is on <paramref name="target"/>.</summary>
    public async Task TabToAsync(ILocator target)
    {
        for (var i = 0; i < MaxTabs; i++)
        {
            await Page.Keyboard.PressAsync("Tab");
            if (await target.EvaluateAsync<bool>("element => element === document.activeElement"))
            {
                return;
            }
        }

        Assert.Fail($"The tabulator does not lead to {target}.");
    }

    public async Task<string[]> NamelessControlsAsync() => await Page.EvaluateAsync<string[]>(NamelessControls);

    public async Task<string[]> FaintTextsAsync() => await Page.EvaluateAsync<string[]>(FaintTexts);

    /// <summary>Asserts that the browser had nothing to complain of: no error, nothing that the policy forbids.</summary>
    public void AssertNoComplaints() => Assert.True(_complaints.Count == 0, string.Join('\n', _complaints));

    public async ValueTask DisposeAsync()
    {
        var context = Page.Context;
        await Page.CloseAsync();
        await context.DisposeAsync();
    }
}

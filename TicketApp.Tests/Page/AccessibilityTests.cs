using System.Collections.Concurrent;
using Deque.AxeCore.Commons;
using Microsoft.Playwright;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Page;

/// <summary>The page in each of its states, as axe sees it: on a wide light screen, and on a narrow dark one.</summary>
[Collection(PageCollection.Name)]
public sealed class AccessibilityTests(AppFixture app, BrowserFixture browser)
{
    private const int Narrow = 320;

    // By their ids, and within templates by classes and data attributes: what styles and scripts find them by.
    private const string PartsOfThePage =
        """
        () => [
            ...[...document.querySelectorAll("body [id]:not(symbol, template, [id^=field-], [id^=details-])")].map(({ id }) => `#${id}`),
            ...[...document.querySelectorAll("template")]
                .flatMap(({ content }) => [...content.querySelectorAll("*")])
                .flatMap(({ classList, dataset }) => [
                    ...[...classList].map((name) => `.${name}`),
                    ...Object.entries(dataset).map(([name, value]) => `[data-${name}="${value}"]`),
                ]),
        ]
        """;

    private const string ShownParts =
        "(parts) => parts.filter((part) => [...document.querySelectorAll(part)].some((element) => element.checkVisibility()))";

    private const string Violations =
        """
        async (rules) => {
            const all = { rules: { "target-size": { enabled: true } } };
            const { violations } = await axe.run(rules.length > 0 ? { runOnly: { type: "rule", values: rules } } : all);
            return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`));
        }
        """;

    // What the width and the colours can change; the rest is the same on any screen.
    private static readonly string[] _ofTheScreen = ["color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block"];

    private static readonly string _axe = new BundledAxeScriptProvider().GetScript();

    [Fact]
    public async Task No_state_has_a_violation_and_none_is_missing_from_the_list()
    {
        ConcurrentBag<string> violations = [];
        ConcurrentBag<string> parts = [];
        ConcurrentBag<string> shown = [];
        ParallelOptions some = new() { MaxDegreeOfParallelism = 4, CancellationToken = TestContext.Current.CancellationToken };
        await Parallel.ForEachAsync(PageState.All, some, async (state, _) =>
        {
            await using var page = await TicketPage.CreateAsync(app.Api.BaseAddress!, browser);
            await state.ReachAsync(page, await MadeUpService.InstallAsync(page.Page));

            await page.Page.EvaluateAsync(_axe);
            await FindAsync(page.Page, state.Name, []);
            await page.Page.SetViewportSizeAsync(Narrow, 800);
            await page.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
            await FindAsync(page.Page, $"{state}, narrow and dark", _ofTheScreen);
            if (await page.Page.EvaluateAsync<int>("document.documentElement.scrollWidth") > Narrow)
            {
                violations.Add($"{state}: wider than the screen");
            }

            var all = await page.Page.EvaluateAsync<string[]>(PartsOfThePage);
            Array.ForEach(all, parts.Add);
            Array.ForEach(await page.Page.EvaluateAsync<string[]>(ShownParts, all), shown.Add);
        });

        Assert.True(violations.IsEmpty, string.Join('\n', violations));
        var missing = parts.Except(shown).ToArray();
        Assert.True(missing.Length == 0, $"No state shows {string.Join(", ", missing)}");

        async Task FindAsync(IPage page, string state, string[] rules)
        {
            foreach (var violation in await page.EvaluateAsync<string[]>(Violations, rules))
            {
                violations.Add($"{state}: {violation}");
            }
        }
    }
}

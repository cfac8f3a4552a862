using System.Text.Json.Nodes;
using TicketApp.Tests.AppHost.Publish;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Page;

/// <summary>The page as Lighthouse rates it. That measures time, so that it is no test of every change.</summary>
[Collection(PageCollection.Name)]
public sealed class LighthouseTests(AppFixture app)
{
    // The last one that runs on Node 20.
    private const string Package = "lighthouse@12.2.3";

    [Theory(Explicit = true)]
    [InlineData("mobile")]
    [InlineData("desktop")]
    public async Task Each_category_has_95_points_at_least(string device)
    {
        var address = app.Api.BaseAddress!.ToString();
        string[] preset = device == "desktop" ? ["--preset=desktop"] : [];

        var (code, output, error) = await Publication.RunAsync(
            "env",
            [
                $"CHROME_PATH={BrowserFixture.Executable}", "npx", "--yes", Package, address, "--quiet", "--output=json",
                "--output-path=stdout", "--chrome-flags=--headless=new --no-sandbox", .. preset,
            ]);

        Assert.True(code == 0, error);
        var categories = JsonNode.Parse(output)!["categories"]!.AsObject();
        var scores = categories.ToDictionary(category => category.Key, category => (double)category.Value!["score"]!);
        TestContext.Current.SendDiagnosticMessage("{0}: {1}", device, string.Join(", ", scores));
        Assert.Equal(["accessibility", "best-practices", "performance", "seo"], scores.Keys.Order(StringComparer.Ordinal));
        Assert.All(scores, score => Assert.InRange(score.Value, 0.95, 1));
    }
}

using System.Threading.Channels;
using TicketApp.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace TicketApp.Tests.Page;

/// <summary>An answer that grows, on the page.</summary>
[Collection(PageCollection.Name)]
public sealed class StreamTests(AppFixture app, BrowserFixture browser)
{
    private const string RecordSaid =
        """
        () => {
            window.said = [];
            const live = document.getElementById("live");
            new MutationObserver(() => said.push(live.textContent)).observe(live, { childList: true, characterData: true, subtree: true });
        }
        """;

    [Fact]
    public async Task What_a_model_writes_appears_as_it_comes_also_after_a_lost_connection_and_its_answer_replaces_it()
    {
        var pieces = Channel.CreateUnbounded<string>();
        TestModel model = new(async (run, cancellationToken) =>
        {
            await foreach (var piece in pieces.Reader.ReadAllAsync(cancellationToken))
            {
                run.Progress.Report(new(Text: piece));
            }

            return "The whole truth";
        });
        await using var worker = await TestWorker.StartAsync(app, model);
        await using var page = await TicketPage.OpenAsync(app, browser);
        await page.Model.SelectOptionAsync(model.Name);
        await page.Page.EvaluateAsync(RecordSaid);
        await page.SubmitAsync("Write");
        var answer = page.Tickets.Locator(".response");

        await SayAsync("Once", "Once");
        await page.Page.EvaluateAsync("window.first = document.querySelector('.response').firstChild");
        await SayAsync(" upon", "Once upon");
        Assert.True(
            await page.Page.EvaluateAsync<bool>("document.querySelector('.response').firstChild === window.first"),
            "Text is added, so that what is selected in it stays.");

        // While the page is hidden it is not told, and afterwards it takes up where it was.
        await SetHiddenAsync("true");
        Assert.True(pieces.Writer.TryWrite(" a"));
        var request = await page.Page.RunAndWaitForRequestAsync(
            () => SetHiddenAsync("false"), request => request.Url.EndsWith("/events", StringComparison.Ordinal));
        Assert.Matches("^[0-9]+-[0-9]+$", await request.HeaderValueAsync("Last-Event-ID"));
        await Expect(answer).ToHaveTextAsync("Once upon a");
        await SayAsync(" time", "Once upon a time");

        // None of the pieces is read aloud.
        await Expect(page.Said).ToContainTextAsync("Ticket submitted");
        Assert.Equal("User created. Ticket submitted", await page.Page.EvaluateAsync<string>("window.said.join('. ')"));
        await page.Page.ReloadAsync();
        await Expect(answer).ToHaveTextAsync("Once upon a time");
        pieces.Writer.Complete();
        await Expect(answer).ToHaveTextAsync("The whole truth");
        await Expect(page.Said).ToContainTextAsync("Answered. The whole truth");
        page.AssertNoComplaints();

        async Task SayAsync(string piece, string soFar)
        {
            Assert.True(pieces.Writer.TryWrite(piece));
            await Expect(answer).ToHaveTextAsync(soFar);
        }

        Task SetHiddenAsync(string value) => page.Page.EvaluateAsync(
            $$"""
            () => {
                Object.defineProperty(document, "hidden", { value: {{value}}, configurable: true });
                document.dispatchEvent(new Event("visibilitychange"));
            }
            """);
    }
}

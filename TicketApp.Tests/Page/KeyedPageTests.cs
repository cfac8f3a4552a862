using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Playwright;
using TicketApp.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace TicketApp.Tests.Page;

/// <summary>The page in a browser, on an Api that wants keys.</summary>
[Collection(KeyedCollection.Name)]
public sealed class KeyedPageTests(KeyedApp app, BrowserFixture browser)
{
    private const string Secret = """{"seed":2,"seconds":0,"for":"its user alone"}""";

    [Fact]
    public async Task A_user_comes_with_a_key_and_sees_what_the_key_opens_and_nothing_else()
    {
        var other = await app.CreateUserWithKeyAsync();
        var ticketId = await SubmitAsync(other);
        await using var page = await TicketPage.OpenAsync(app.First.BaseAddress!, browser);
        await Expect(page.Page.GetByText("The models are listed once there is a user")).ToBeVisibleAsync();

        await page.SubmitAsync("""{"seed":1,"seconds":0}""");
        await Expect(page.Tickets).ToContainTextAsync("Happy message");
        await Expect(page.Model).ToHaveValueAsync("simulated");
        var (user, key) = (await page.UserIdAsync(), await page.KeyAsync());
        Assert.StartsWith("tk_", key, StringComparison.Ordinal);

        await page.Page.GetByText("Your user").ClickAsync();
        var problem = page.Page.Locator("#account-problem");
        await TakeAsync(page, user, other.Key[..^1] + (other.Key[^1] == 'x' ? 'y' : 'x'));
        await Expect(problem).ToContainTextAsync("The service does not accept this key");
        await Expect(page.Tickets).ToHaveCountAsync(0);
        await Expect(page.Page.Locator("#list-problem")).ToHaveTextAsync(
            "To see your tickets, take their user, with the key, under “Your user”.");
        await Expect(page.Page.GetByText("The models are listed once the service accepts the key")).ToBeVisibleAsync();
        await Expect(page.Page.GetByText("No tickets yet")).ToBeHiddenAsync();
        await TakeAsync(page, user, key);
        await Expect(page.Tickets).ToContainTextAsync("Happy message");
        await Expect(problem).ToBeHiddenAsync();

        // Not in the list of either user, so that it is the link that shows it.
        await page.Page.GetByLabel("Show", new() { Exact = true }).SelectOptionAsync("canceled");
        await page.Page.GotoAsync($"/#/tickets/{ticketId}");
        var linked = page.Page.GetByRole(AriaRole.Region, new() { Name = "Linked ticket" });
        await AssertNotFoundAsync();
        await TakeAsync(page, other.Id, other.Key);
        await Expect(linked).ToContainTextAsync(Secret);
        await TakeAsync(page, user, key);
        await AssertNotFoundAsync();

        // The answer for one user comes when the page is the next one's already.
        TaskCompletionSource asked = new();
        TaskCompletionSource late = new();
        await page.Page.RouteAsync($"**/v1/tickets/{ticketId}", async route =>
        {
            var response = await route.FetchAsync();
            asked.TrySetResult();
            await late.Task;
            await route.FulfillAsync(new() { Response = response });
        });
        await TakeAsync(page, other.Id, other.Key);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await TakeAsync(page, user, key);
        await Expect(linked).ToContainTextAsync("Looking for it");
        late.SetResult();
        await AssertNotFoundAsync();

        async Task AssertNotFoundAsync()
        {
            await Expect(linked).ToContainTextAsync(
                $"There is no ticket {ticketId}, or not any more. If it is another user's, take that user, with the key");
            await Expect(linked.GetByRole(AriaRole.Article)).ToHaveCountAsync(0);
            Assert.DoesNotContain("its user alone", await page.Page.ContentAsync(), StringComparison.Ordinal);
        }
    }

    private static async Task TakeAsync(TicketPage page, string user, string key)
    {
        await page.Page.GetByLabel("User ID", new() { Exact = true }).FillAsync(user);
        await page.Page.GetByLabel("Key", new() { Exact = true }).FillAsync(key);
        await page.Button("Use this user").ClickAsync();
    }

    private async Task<string> SubmitAsync((string Id, string Key) user)
    {
        JsonObject body = new() { ["user_id"] = user.Id, ["input"] = Secret };
        var ticket = await KeyedApp.AskAsync(app.First, HttpMethod.Post, "/v1/tickets", user.Key, HttpStatusCode.Created, body);
        return ticket!["id"]!.GetValue<string>();
    }
}

using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using TicketApp.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace TicketApp.Tests.Page;

/// <summary>The page in a browser, on the running application.</summary>
[Collection(PageCollection.Name)]
public sealed class PageTests(AppFixture app, BrowserFixture browser) : IAsyncLifetime
{
    private const string Long = """{"seconds":60}""";

    private TicketPage _page = null!;

    public async ValueTask InitializeAsync() => _page = await TicketPage.OpenAsync(app, browser);

    public ValueTask DisposeAsync() => _page?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact]
    public async Task A_submitted_ticket_is_answered_and_there_again_after_a_reload()
    {
        await _page.SubmitAsync("""{"seed":1,"seconds":3}""");

        await Expect(_page.Tickets).ToContainTextAsync("Running");
        await Expect(_page.Tickets).ToContainTextAsync("Happy message");
        await Expect(_page.Said).ToContainTextAsync("Answered. Happy message");
        await Expect(_page.Text).ToHaveValueAsync("");

        await _page.Page.ReloadAsync();
        await Expect(_page.Tickets).ToContainTextAsync("Happy message");
        _page.AssertNoComplaints();
    }

    [Fact]
    public async Task A_running_ticket_is_canceled_and_runs_again()
    {
        await _page.SubmitAsync(Long);
        await Expect(_page.Tickets).ToContainTextAsync("Running");

        await _page.Tickets.GetByRole(AriaRole.Button, new() { Name = "Cancel ticket" }).ClickAsync();
        await Expect(_page.Tickets).ToContainTextAsync("Canceled before it was answered");
        await Expect(_page.Tickets).ToBeFocusedAsync();

        await _page.Tickets.GetByRole(AriaRole.Button, new() { Name = "Retry ticket" }).ClickAsync();
        await Expect(_page.Tickets).ToContainTextAsync("Running");
        await Expect(_page.Tickets).Not.ToContainTextAsync("Canceled");
        _page.AssertNoComplaints();
    }

    [Fact]
    public async Task A_key_is_kept_and_sent_and_asked_for_where_it_is_refused()
    {
        const string Key = "tk_kept";
        await _page.Page.RouteAsync("**/v1/users", async route =>
        {
            var response = await route.FetchAsync();
            var user = JsonNode.Parse(await response.TextAsync())!.AsObject();
            user["api_key"] = Key;
            await route.FulfillAsync(new() { Response = response, Body = user.ToJsonString() });
        });
        await _page.Page.RouteAsync("**/v1/tickets**", async route =>
        {
            if (await route.Request.HeaderValueAsync("authorization") == $"Bearer {Key}")
            {
                await route.ContinueAsync();
                return;
            }

            JsonObject problem = new()
            {
                ["type"] = "/openapi/problems#key-required",
                ["title"] = "A key is required",
                ["status"] = 401,
                ["detail"] = "Send a key.",
            };
            await route.FulfillAsync(new() { Status = 401, ContentType = "application/problem+json", Body = problem.ToJsonString() });
        });

        await _page.SubmitAsync("""{"seed":2,"seconds":0}""");
        await Expect(_page.Tickets).ToContainTextAsync("Sad message");
        await _page.Tickets.GetByRole(AriaRole.Button, new() { Name = "Details of ticket" }).ClickAsync();
        await Expect(_page.Tickets).ToContainTextAsync("Authorization: Bearer $KEY");
        _page.AssertNoComplaints();

        await _page.Page.GetByText("Your user").ClickAsync();
        await _page.Page.GetByLabel("Key", new() { Exact = true }).FillAsync("tk_wrong");
        await _page.Button("Use this user").ClickAsync();
        await Expect(_page.Page.Locator("#account-problem")).ToContainTextAsync("The service does not accept this key");
        await _page.Page.GetByLabel("Key", new() { Exact = true }).FillAsync(Key);
        await _page.Button("Use this user").ClickAsync();
        await Expect(_page.Tickets).ToContainTextAsync("Sad message");
        await Expect(_page.Page.Locator("#account-problem")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task A_run_shows_how_far_it_is_and_the_service_how_busy()
    {
        await _page.SubmitAsync("""{"seed":1,"seconds":8,"progress":true}""");

        await Expect(_page.Tickets).ToContainTextAsync("% done");
        var service = _page.Page.GetByRole(AriaRole.Region, new() { Name = "The service now" });
        await Expect(service.Locator("#running-now")).Not.ToHaveTextAsync("0");
        await Expect(service.Locator("#running-chart .trend")).ToHaveAttributeAsync("d", new Regex("^M.+L.+"));
        await Expect(_page.Tickets).ToContainTextAsync("Happy message");
        _page.AssertNoComplaints();
    }

    [Fact]
    public async Task A_model_is_chosen_and_its_answer_has_a_probability()
    {
        await _page.Page.GetByLabel("Model", new() { Exact = true }).SelectOptionAsync("sentiment");
        await _page.SubmitAsync(new string('w', 10_001));
        await Expect(_page.Page.Locator("#form-error")).ToHaveTextAsync(
            "Text must have at most 10,000 characters for this model; it has 10,001.");
        await Expect(_page.Text).ToBeFocusedAsync();

        await _page.SubmitAsync("A moving, funny film with a heart.");

        await Expect(_page.Tickets).ToContainTextAsync("Happy message");
        await Expect(_page.Tickets).ToContainTextAsync("% sure");
        _page.AssertNoComplaints();
    }

    [Fact]
    public async Task A_workers_schema_is_a_form_and_the_services_errors_are_at_its_fields()
    {
        var name = $"painter-{Guid.NewGuid():N}";
        await using var painter = await PainterModel.StartAsync(app, name);
        await _page.Page.ReloadAsync();
        await _page.Model.SelectOptionAsync(name);
        var form = _page.Page.GetByRole(AriaRole.Group, new() { Name = "Picture" });
        await form.GetByLabel("Prompt").FillAsync("A lighthouse in the fog");
        await form.GetByLabel("Sizes").FillAsync("[512, 511]");
        await _page.Button("Submit ticket").ClickAsync();

        await Expect(form.GetByLabel("Sizes")).ToBeFocusedAsync();
        await Expect(form.GetByLabel("Sizes")).ToHaveAccessibleDescriptionAsync(new Regex("“1” must be a multiple of 8.$"));
        await form.GetByLabel("Sizes").FillAsync("[512, 504]");
        await _page.Button("Submit ticket").ClickAsync();
        await Expect(_page.Tickets).ToContainTextAsync("""{"image":"https://pictures.example/7.png","seed":12345678901234567890}""");
        await Expect(_page.Tickets).ToContainTextAsync(
            """{"prompt":"A lighthouse in the fog","style":"ink","steps":20,"sizes":[512,504],"safe":true}""");
    }

    [Fact]
    public async Task A_link_opens_a_ticket_of_another_user_and_says_what_is_missing()
    {
        var other = await app.CreateUserAsync();
        var id = await app.CreateTicketAsync(other);
        var answer = await app.FinishAsync(id);

        await _page.Page.GotoAsync($"/#/tickets/{id}");

        var linked = _page.Page.GetByRole(AriaRole.Region, new() { Name = "Linked ticket" });
        await Expect(linked).ToContainTextAsync(answer);
        await Expect(linked.GetByRole(AriaRole.Article)).ToBeFocusedAsync();
        await Expect(linked).ToContainTextAsync(other);
        await Expect(linked).ToContainTextAsync($"/v1/tickets/{id}'");
        _page.AssertNoComplaints();

        await _page.Page.GotoAsync("/#/tickets/01a205da-a652-7c22-acef-f60a0caf4604");
        await Expect(linked).ToContainTextAsync("There is no ticket 01a205da-a652-7c22-acef-f60a0caf4604");
    }

    [Fact]
    public async Task A_list_is_filtered_and_turned_to_older_tickets()
    {
        await _page.SubmitAsync("""{"seed":1,"seconds":0}""");
        await Expect(_page.Tickets).ToContainTextAsync("Happy message");
        var user = await _page.UserIdAsync();
        for (var i = 0; i < 20; i++)
        {
            await app.FinishAsync(await app.CreateTicketAsync(user));
        }

        await _page.Page.ReloadAsync();
        await Expect(_page.Tickets).ToHaveCountAsync(20);
        await _page.Button("Older").ClickAsync();
        await Expect(_page.Tickets).ToHaveCountAsync(1);
        await Expect(_page.Tickets).ToContainTextAsync("""{"seed":1,"seconds":0}""");
        await _page.Button("Newer").ClickAsync();
        await Expect(_page.Tickets).ToHaveCountAsync(20);
        await _page.Page.GetByLabel("Show", new() { Exact = true }).SelectOptionAsync("open");
        await Expect(_page.Tickets).ToHaveCountAsync(0);
        await Expect(_page.Page.GetByText("None of these")).ToBeVisibleAsync();
        _page.AssertNoComplaints();
    }

    [Fact]
    public async Task While_the_service_is_away_the_page_says_so_keeps_the_text_and_comes_back()
    {
        await _page.SubmitAsync("""{"seed":1,"seconds":0}""");
        await Expect(_page.Tickets).ToContainTextAsync("Happy message");
        JsonObject problem = new()
        {
            ["type"] = "/openapi/problems#unavailable",
            ["title"] = "The service is temporarily unavailable",
            ["status"] = 503,
            ["detail"] = "Try again.",
        };
        await _page.Page.RouteAsync("**/v1/**", route => route.FulfillAsync(new()
        {
            Status = 503,
            ContentType = "application/problem+json",
            Headers = new Dictionary<string, string> { ["Retry-After"] = "3" },
            Body = problem.ToJsonString(),
        }));

        await _page.SubmitAsync("Keep me");

        await Expect(_page.Page.Locator("#form-error")).ToContainTextAsync(
            "The service is temporarily unavailable. Your text is kept: submit it again");
        await Expect(_page.Text).ToHaveValueAsync("Keep me");
        await Expect(_page.Page.Locator("#banner")).ToContainTextAsync("Trying again in");
        await Expect(_page.Tickets).ToContainTextAsync("Happy message");

        await _page.Page.UnrouteAllAsync();
        await Expect(_page.Page.Locator("#banner")).ToBeHiddenAsync();
        await _page.Button("Submit ticket").ClickAsync();
        await Expect(_page.Tickets).ToHaveCountAsync(2);
        await Expect(_page.Text).ToHaveValueAsync("");
    }
}

using System.Text.Json.Nodes;
using Microsoft.Playwright;
using TicketApp.Api.Storage;
using static Microsoft.Playwright.Assertions;

namespace TicketApp.Tests.Page;

/// <summary>One of the states that the page can be in.</summary>
/// <param name="Name">What is special about it.</param>
/// <param name="ReachAsync">Opens the page, and brings it there.</param>
internal sealed record PageState(string Name, Func<TicketPage, MadeUpService, Task> ReachAsync)
{
    private static readonly string _long = string.Concat(Enumerable.Repeat("An answer that does not end soon. ", 60));

    private static readonly JsonObject _failed = MadeUpService.Ticket(
        6, "failed", """ "attempt": 3, "error": { "type": "model_error", "message": "out of memory" } """);

    private static readonly JsonObject _json = MadeUpService.Ticket(
        3, "succeeded",
        """
        "model": "painter", "input": { "prompt": "a cat", "steps": 4 }, "response": { "images": ["https://example.org/1.png"], "seed": 7 },
        "response_details": { "probability": 0.87, "seconds": 1.5 }
        """);

    private static readonly JsonObject _running = MadeUpService.Ticket(1, "running");

    /// <summary>
    /// All of them. A new part of the page that is shown in none of them fails <see cref="AccessibilityTests"/>: add the state that it is
    /// part of.
    /// </summary>
    public static IReadOnlyList<PageState> All { get; } =
    [
        new("signed out", async (page, _) =>
        {
            await page.GotoAsync();
            await Expect(page.Page.GetByText("No tickets yet")).ToBeVisibleAsync();
        }),
        new("before the service has answered", async (page, service) =>
        {
            service.Hold("GET /v1/models");
            service.Hold("GET /v1/tickets");
            service.Hold("GET /v1/stats");
            service.Hold("GET /health");
            await page.GotoAsync(MadeUpService.User);
            await Expect(page.Page.GetByText("Service health")).ToBeVisibleAsync();
        }),
        new("no tickets, and the skip link in focus", async (page, _) =>
        {
            await page.GotoAsync(MadeUpService.User);
            await Expect(page.Page.GetByText("No tickets yet")).ToBeVisibleAsync();
            await page.Page.Keyboard.PressAsync("Tab");
            await Expect(page.Page.GetByText("Skip to your tickets")).ToBeFocusedAsync();
        }),
        new("a list with a ticket of each status", async (page, service) =>
        {
            service.AnswerTickets(
                [
                    .. TicketStatusNames.AllPublic.Select((status, i) => MadeUpService.Ticket(i + 10, status)),
                    MadeUpService.Ticket(
                        30, "queued",
                        """
                        "queue": { "position": 12, "eta_seconds": { "p50": 30, "p90": 75 }, "wait_reason": "at_capacity" }
                        """),
                ],
                hasMore: true);
            service.Answer("GET /v1/stats", """{"queued":0,"running":0,"finished":{},"workers":1,"slots":1,"oldest_age_seconds":0}""");
            await page.GotoAsync(MadeUpService.User);
            await Expect(page.Tickets).ToHaveCountAsync(9);
        }),
        new("the last page of a list, as a filter leaves it", async (page, service) =>
        {
            service.AnswerTickets([_failed], hasMore: true);
            await page.GotoAsync(MadeUpService.User);
            await page.Button("Older").ClickAsync();
            // Screen readers are told the same, a moment later.
            await Expect(page.Page.Locator("#page")).ToHaveTextAsync("Page 2");
            service.AnswerTickets([]);
            await page.Page.GetByLabel("Show", new() { Exact = true }).SelectOptionAsync("open");
            await Expect(page.Page.GetByText("None of these")).ToBeVisibleAsync();
        }),
        new("answers that are JSON, that are long, and that grow", async (page, service) =>
        {
            service.AnswerTickets(
                [
                    _running, _json, MadeUpService.Ticket(4, "succeeded", $""" "input": "{_long}", "response": "{_long}" """),
                    MadeUpService.Ticket(5, "succeeded", $""" "input": "{new string('w', 500)}", "response": "{new string('m', 500)}" """),
                ]);
            service.Tell(
                _running, $"event: started\nid: 1\ndata: {_running.ToJsonString()}",
                """
                event: progress
                id: 1-1
                data: {"status":"running","fraction":0.4,"text":"Once upon a time"}
                """);
            await page.GotoAsync(MadeUpService.User);
            await Expect(page.Tickets.First).ToContainTextAsync("Once upon a time");
        }),
        new("an opened ticket, whose link was copied", async (page, service) =>
        {
            service.AnswerTickets([_json, _failed]);
            await page.GotoAsync(MadeUpService.User);
            await page.Tickets.First.GetByRole(AriaRole.Button, new() { Name = "Details of ticket" }).ClickAsync();
            await page.Button("Copy link").ClickAsync();
            await Expect(page.Button("Copied")).ToBeVisibleAsync();
        }),
        new("an opened ticket that failed, and a change that was refused", async (page, service) =>
        {
            service.AnswerTickets([_running, _failed]);
            service.AnswerProblem($"POST /v1/tickets/{(string)_failed["id"]!}/retry", 409, "not-retryable");
            await page.GotoAsync(MadeUpService.User);
            await page.Tickets.Last.GetByRole(AriaRole.Button, new() { Name = "Details of ticket" }).ClickAsync();
            await page.Tickets.Last.GetByRole(AriaRole.Button, new() { Name = "Retry ticket" }).ClickAsync();
            await Expect(page.Tickets.Last).ToContainTextAsync("It did not work");
        }),
        new("an open ticket in detail, and a change that takes its time", async (page, service) =>
        {
            service.AnswerTickets([_running]);
            service.Hold($"POST /v1/tickets/{(string)_running["id"]!}/cancel");
            await page.GotoAsync(MadeUpService.User);
            await page.Tickets.GetByRole(AriaRole.Button, new() { Name = "Details of ticket" }).ClickAsync();
            await page.Tickets.GetByRole(AriaRole.Button, new() { Name = "Cancel ticket" }).ClickAsync();
            await Expect(page.Tickets.Locator(".cancel")).ToHaveAttributeAsync("aria-busy", "true");
        }),
        new("a linked ticket of another user", async (page, service) =>
        {
            service.AnswerTicket(_json);
            await page.GotoAsync(MadeUpService.User, $"/#/tickets/{(string)_json["id"]!}");
            await Expect(page.Page.Locator("#linked-ticket")).ToContainTextAsync("example.org");
        }),
        new("a linked ticket that is not there", async (page, _) =>
        {
            await page.GotoAsync(MadeUpService.User, "/#/tickets/01a205da-a612-79e7-be41-100000000000");
            await Expect(page.Page.Locator("#linked-text")).ToContainTextAsync("There is no ticket");
        }),
        new("the account, its key, and a text that is not a user ID", async (page, _) =>
        {
            await page.GotoAsync();
            await page.Page.GetByText("Your user").ClickAsync();
            await page.Button("New user").ClickAsync();
            await Expect(page.Page.Locator("#account-kept")).ToBeVisibleAsync();
            await page.Page.GetByLabel("User ID", new() { Exact = true }).FillAsync("me");
            await page.Button("Use this user").ClickAsync();
            await Expect(page.Page.Locator("#account-problem")).ToBeVisibleAsync();
        }),
        new("a service that wants a key", async (page, service) =>
        {
            service.AnswerProblem("GET /v1/tickets", 401, "key-required");
            service.AnswerProblem("GET /v1/models", 401, "key-required");
            await page.GotoAsync(MadeUpService.User);
            await Expect(page.Page.Locator("#list-problem")).ToBeVisibleAsync();
        }),
        new("disconnected, with a text that could not be sent", async (page, service) =>
        {
            service.AnswerTickets([_json]);
            await page.GotoAsync(MadeUpService.User);
            await Expect(page.Tickets).ToHaveCountAsync(1);
            service.GoAway();
            await page.SubmitAsync("Keep me");
            await Expect(page.Page.Locator("#form-error")).ToContainTextAsync("Your text is kept");
            await page.Page.EvaluateAsync("document.dispatchEvent(new Event('visibilitychange'))");
            await Expect(page.Page.Locator("#banner")).ToBeVisibleAsync();
            await Expect(page.Page.GetByText("Service is not ready")).ToBeVisibleAsync();
        }),
        new("unreachable", async (page, _) =>
        {
            await page.GotoAsync(MadeUpService.User);
            await page.Page.RouteAsync("**/*", route => route.AbortAsync());
            await page.Page.EvaluateAsync("document.dispatchEvent(new Event('visibilitychange'))");
            await Expect(page.Page.GetByText("Service is not reachable")).ToBeVisibleAsync();
        }),
        new("a text that is too long, for a model without workers", async (page, service) =>
        {
            service.AnswerModels(workers: 0);
            await page.GotoAsync();
            await Expect(page.Page.GetByText("No worker serves it now")).ToBeVisibleAsync();
            await page.Page.GetByText("More", new() { Exact = true }).ClickAsync();
            await page.SubmitAsync(new string('w', 10_001));
            await Expect(page.Page.Locator("#form-error")).ToBeVisibleAsync();
        }),
        new("a text that is being sent, nearly too long", async (page, service) =>
        {
            service.Hold("POST /v1/tickets");
            await page.GotoAsync(MadeUpService.User);
            await page.SubmitAsync(new string('w', 9_001));
            await Expect(page.Button("Submit ticket")).ToHaveAttributeAsync("aria-busy", "true");
        }),
        new("the form of a schema", async (page, _) =>
        {
            await page.GotoAsync();
            await page.Model.SelectOptionAsync("painter");
            await Expect(page.Page.GetByRole(AriaRole.Group, new() { Name = "Picture" })).ToBeVisibleAsync();
        }),
        new("the form of a schema with errors", async (page, service) =>
        {
            service.AnswerProblem("POST /v1/tickets", 400, "invalid-request", """{"input/sizes/1":["must be even"],"input":["is odd"]}""");
            await page.GotoAsync();
            await page.Model.SelectOptionAsync("painter");
            await page.Page.GetByLabel("Prompt").FillAsync("a cat");
            await page.Page.GetByLabel("seed").FillAsync("1");
            await page.Button("Submit ticket").ClickAsync();
            await Expect(page.Page.GetByText("Must be even.")).ToBeVisibleAsync();
        }),
        new("a field for JSON", async (page, service) =>
        {
            service.SetSchema("sentiment", """{ "title": "Texts", "type": "array", "items": { "type": "string" } }""");
            await page.GotoAsync();
            await page.Model.SelectOptionAsync("sentiment");
            await page.Page.GetByLabel("Input", new() { Exact = true }).FillAsync("[");
            await page.Button("Submit ticket").ClickAsync();
            await Expect(page.Page.GetByText("Is not valid JSON.")).ToBeVisibleAsync();
        }),
    ];

    public override string ToString() => Name;
}

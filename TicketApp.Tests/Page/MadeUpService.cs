using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace TicketApp.Tests.Page;

/// <summary>
/// A service that a test makes up: the page's files are the real ones, what they ask for is answered here. At first everything is well,
/// there are three models, and no tickets.
/// </summary>
internal sealed partial class MadeUpService
{
    public const string User = "01a205da-a5ea-7abf-916d-5fb3315c6011";

    /// <summary>The schema of the model <c>painter</c>: a field of each kind.</summary>
    public const string Schema =
        """
        {
          "title": "Picture", "description": "What to paint, and how.", "type": "object", "required": ["prompt", "style", "seed"],
          "properties": {
            "prompt": { "type": "string", "title": "Prompt", "description": "What is to be seen." },
            "avoid": { "type": "string", "maxLength": 80, "default": "blur" },
            "style": { "allOf": [{ "$ref": "#/$defs/Style" }] },
            "steps": { "type": "integer", "minimum": 1, "maximum": 50, "default": 20, "description": "More is slower." },
            "strength": { "anyOf": [{ "type": "number", "minimum": 0, "maximum": 1 }, { "type": "null" }] },
            "seed": { "type": "integer" },
            "safe": { "type": "boolean", "default": true, "description": "Refuse what is not for everyone." },
            "tiled": { "type": "boolean" },
            "sizes": { "type": "array", "items": { "type": "integer" }, "default": [512, 512] },
            "camera": { "type": "object", "properties": { "angle": { "type": "number" } } },
            "image/url": { "type": "string", "format": "uri" },
            "token": { "type": "string", "format": "password" }
          },
          "$defs": { "Style": { "enum": ["oil", "ink", 3], "default": "ink" } }
        }
        """;

    private static readonly DateTimeOffset _start = DateTimeOffset.UtcNow;

    private readonly ConcurrentDictionary<string, Func<IRoute, Task>> _answers = new();
    private readonly ConcurrentDictionary<string, JsonObject> _schemas = new();
    private readonly ConcurrentQueue<(string Request, string? Body)> _requests = new();
    private volatile bool _isAway;

    /// <summary>What was asked, as in <c>GET /v1/models</c>, with the body that came along.</summary>
    public IReadOnlyList<(string Request, string? Body)> Requests => [.. _requests];

    /// <summary>Answers instead of the service that the page comes from.</summary>
    public static async Task<MadeUpService> InstallAsync(IPage page)
    {
        MadeUpService service = new();
        service.SetSchema("painter", Schema);
        service.Answer("GET /health", """{"status":"Healthy"}""");
        service.Answer("POST /v1/users", $$"""{"id":"{{User}}","api_key":"tk_made_up_of_letters"}""", 201);
        service.Answer("GET /v1/stats",
            """
            {"queued":3,"running":4,"finished":{"succeeded":100,"failed":1},"workers":2,"slots":200,"median_run_seconds":1.5,
             "oldest_age_seconds":4}
            """);
        service.AnswerModels(workers: 2);
        service.AnswerTickets([]);
        await page.RouteAsync(Asked(), service.AnswerAsync);
        return service;
    }

    /// <summary>Answers these requests with JSON; others as before.</summary>
    /// <param name="request">Method and path, without a query.</param>
    /// <param name="body">The JSON.</param>
    /// <param name="status">The HTTP status.</param>
    public void Answer(string request, string body, int status = 200) => _answers[request] = route => route.FulfillAsync(new()
    {
        Status = status,
        ContentType = status < 400 ? "application/json" : "application/problem+json",
        Body = body,
    });

    public void AnswerProblem(string request, int status, string type, string errors = "{}") =>
        Answer(request, Problem(status, type, errors), status);

    /// <summary>Never answers.</summary>
    public void Hold(string request) => _answers[request] = _ => Task.CompletedTask;

    /// <summary>Answers everything with 503 from now on.</summary>
    public void GoAway() => _isAway = true;

    /// <summary>Lets the model have this JSON Schema.</summary>
    public void SetSchema(string model, string schema) =>
        _schemas[model] = new JsonObject { ["name"] = model, ["input_schema"] = JsonNode.Parse(schema) };

    public void AnswerModels(int workers) => Answer(
        "GET /v1/models",
        $$"""
        {"results":[{{Model("painter", "true", "false")}},{{Model("sentiment", "true", "false")}},{{Model("simulated", "false", "true")}}]}
        """.Replace("WORKERS", Text(workers), StringComparison.Ordinal));

    /// <summary>Answers with one page of tickets.</summary>
    public void AnswerTickets(IReadOnlyList<JsonObject> tickets, bool hasMore = false)
    {
        var next = hasMore ? "\"more\"" : "null";
        Answer(
            "GET /v1/tickets", $$"""{"results":[{{string.Join(',', tickets.Select(ticket => ticket.ToJsonString()))}}],"next":{{next}}}""");
        foreach (var ticket in tickets)
        {
            AnswerTicket(ticket);
        }
    }

    /// <summary>Has a ticket that is in no list.</summary>
    public void AnswerTicket(JsonObject ticket) => Answer($"GET /v1/tickets/{(string)ticket["id"]!}", ticket.ToJsonString());

    /// <summary>Sends these events of a ticket, once.</summary>
    public void Tell(JsonObject ticket, params IEnumerable<string> events) =>
        _answers[$"GET /v1/tickets/{(string)ticket["id"]!}/events"] = route => route.FulfillAsync(
            new() { ContentType = "text/event-stream", Body = string.Concat(events.Select(text => $"{text}\n\n")) });

    /// <summary>A ticket of the user.</summary>
    /// <param name="number">Sets its id; smaller is newer.</param>
    /// <param name="status">Its status.</param>
    /// <param name="members">What is different from a usual ticket of this status, as members of an object.</param>
    public static JsonObject Ticket(int number, string status, string members = "")
    {
        var isOpen = status is "queued" or "running" or "canceling";
        var created = _start.AddSeconds(-5 - number);
        JsonObject ticket = new()
        {
            ["id"] = $"01a205da-a612-79e7-be41-1000000{(99999 - number).ToString(CultureInfo.InvariantCulture)}",
            ["user_id"] = User,
            ["status"] = status,
            ["model"] = "simulated",
            ["input"] = "A moving, funny film with a heart.",
            ["created_at"] = Time(created),
            ["started_at"] = status == "queued" ? null : Time(created.AddSeconds(1)),
            ["finished_at"] = isOpen ? null : Time(created.AddSeconds(2)),
            ["purge_at"] = isOpen ? null : Time(created.AddDays(7)),
            ["expires_at"] = Time(created.AddMinutes(5)),
            ["response"] = status == "succeeded" ? "Happy message" : null,
            ["response_details"] = null,
            ["error"] = null,
            ["attempt"] = status == "queued" ? 0 : 1,
            ["max_attempts"] = 3,
            ["priority"] = "normal",
            ["queue"] = null,
        };
        foreach (var (name, value) in JsonNode.Parse($"{{{members}}}")!.AsObject())
        {
            ticket[name] = value?.DeepClone();
        }

        return ticket;
    }

    private async Task AnswerAsync(IRoute route)
    {
        var path = new Uri(route.Request.Url).AbsolutePath;
        var request = $"{route.Request.Method} {path}";
        _requests.Enqueue((request, route.Request.PostData));
        if (_isAway)
        {
            await route.FulfillAsync(new() { Status = 503, Body = Problem(503, "unavailable", "{}") });
        }
        else if (_answers.TryGetValue(request, out var answer))
        {
            await answer(route);
        }
        else if (path.StartsWith("/v1/models/", StringComparison.Ordinal))
        {
            await route.FulfillAsync(new() { Body = (_schemas.GetValueOrDefault(path["/v1/models/".Length..]) ?? []).ToJsonString() });
        }
        else if (path.EndsWith("/events", StringComparison.Ordinal))
        {
            await route.FulfillAsync(new() { ContentType = "text/event-stream", Body = ":\n\n" });
        }
        else
        {
            await route.FulfillAsync(new() { Status = 404, Body = """{"title":"There is no such ticket","status":404}""" });
        }
    }

    private static string Problem(int status, string type, string errors) =>
        $$"""{"type":"/docs#{{type}}","title":"It did not work","status":{{Text(status)}},"detail":"Try another.","errors":{{errors}}}""";

    private static string Model(string name, string isRequired, string isDefault) =>
        $$$"""
        {"name":"{{{name}}}","description":"Does what it is for","is_default":{{{isDefault}}},"largest_batch":1,"workers":WORKERS,"slots":9,
         "input":{"required":{{{isRequired}}},"max_characters":10000}}
        """;

    [GeneratedRegex("/(v1/.*|health)$")]
    private static partial Regex Asked();

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Time(DateTimeOffset time) => time.ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture);
}

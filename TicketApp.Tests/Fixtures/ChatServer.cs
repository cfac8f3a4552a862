using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace TicketApp.Tests.Fixtures;

/// <summary>An OpenAI-compatible endpoint on this machine, which answers as a test wants it to.</summary>
internal sealed class ChatServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<ChatExchange> _exchanges = [];

    private ChatServer(WebApplication app) => _app = app;

    /// <summary>Its address, without a path.</summary>
    public string Url => _app.Urls.Single();

    /// <summary>What it was asked, in the order of the requests.</summary>
    public IReadOnlyList<ChatExchange> Exchanges => [.. _exchanges];

    public static async Task<ChatServer> StartAsync(Func<ChatExchange, Task> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        ChatServer server = new(app);
        app.MapPost("/v1/chat/completions", async (HttpContext context) =>
        {
            var request = await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
            ChatExchange exchange = new(context, request!.AsObject(), context.Request.Headers.Authorization.ToString());
            server._exchanges.Enqueue(exchange);
            await answer(exchange);
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}

/// <summary>One request to it, and the means to answer.</summary>
internal sealed class ChatExchange
{
    private readonly HttpContext _context;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ChatExchange(HttpContext context, JsonObject request, string authorization)
    {
        (_context, Request, Authorization, ConnectionId) = (context, request, authorization, context.Connection.Id);
        context.RequestAborted.Register(_closed.SetResult);
    }

    public JsonObject Request { get; }

    public string Authorization { get; }

    public string ConnectionId { get; }

    /// <summary>Ends once the caller has closed the connection before the answer was whole.</summary>
    public Task Closed => _closed.Task;

    public HttpResponse Response => _context.Response;

    /// <summary>The next piece of the answer; quotes and the like must be escaped.</summary>
    public Task SayAsync(string text) =>
        ChunkAsync($$"""{"index":0,"delta":{"role":"assistant","content":"{{text}}"},"finish_reason":null}""");

    /// <summary>Its end.</summary>
    public async Task FinishAsync(string reason = "stop")
    {
        await ChunkAsync($$"""{"index":0,"delta":{},"finish_reason":"{{reason}}"}""");
        await ChunkAsync(choices: "", more: ""","usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}""");
        await EventAsync("[DONE]");
    }

    public async Task AnswerAsync(params IEnumerable<string> pieces)
    {
        foreach (var piece in pieces)
        {
            await SayAsync(piece);
        }

        await FinishAsync();
    }

    public Task EventAsync(string data) => WriteAsync($"data: {data}\n\n");

    public async Task WriteAsync(string text)
    {
        _context.Response.ContentType ??= "text/event-stream";
        await _context.Response.WriteAsync(text, _context.RequestAborted);
        await _context.Response.Body.FlushAsync(_context.RequestAborted);
    }

    /// <summary>Closes the connection without an end.</summary>
    public void Break() => _context.Abort();

    /// <summary>Says no more until the caller closes the connection.</summary>
    public Task StallAsync() => Closed;

    private Task ChunkAsync(string choices, string more = "") => EventAsync(
        $$"""{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"served-model","choices":[{{choices}}]{{more}}}""");
}

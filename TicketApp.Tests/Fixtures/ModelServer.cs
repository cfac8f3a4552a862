using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace TicketApp.Tests.Fixtures;

/// <summary>A server of models on this machine, which answers as a test wants it to.</summary>
internal sealed class ModelServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<ModelExchange> _exchanges = [];

    private ModelServer(WebApplication app) => _app = app;

    /// <summary>Its address, without a path.</summary>
    public string Url => _app.Urls.Single();

    /// <summary>What it was asked, in the order of the requests.</summary>
    public IReadOnlyList<ModelExchange> Exchanges => [.. _exchanges];

    /// <summary>The requests to run the model.</summary>
    public IReadOnlyList<ModelExchange> Asked => [.. Exchanges.Where(exchange => exchange.IsAsked)];

    /// <param name="answer">Answers a request.</param>
    /// <param name="port">Where it listens; 0: anywhere.</param>
    public static async Task<ModelServer> StartAsync(Func<ModelExchange, Task> answer, int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}");
        var app = builder.Build();
        ModelServer server = new(app);
        app.Run(async context =>
        {
            using StreamReader body = new(context.Request.Body);
            ModelExchange exchange = new(context, await body.ReadToEndAsync(context.RequestAborted));
            server._exchanges.Enqueue(exchange);
            await answer(exchange);
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}

/// <summary>One request to it, and the means to answer.</summary>
internal sealed class ModelExchange
{
    private readonly HttpContext _context;
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ModelExchange(HttpContext context, string body)
    {
        (_context, Body, ConnectionId) = (context, body, context.Connection.Id);
        (Method, Path, Query) = (context.Request.Method, context.Request.Path.Value!, context.Request.QueryString.Value!);
        Headers = context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString());
        context.RequestAborted.Register(_closed.SetResult);
    }

    public string Method { get; }

    public string Path { get; }

    public string Query { get; }

    public IReadOnlyDictionary<string, string> Headers { get; }

    public string Body { get; }

    public string ConnectionId { get; }

    public JsonNode Json => JsonNode.Parse(Body)!;

    /// <summary>Whether it is to run the model: whatever brings an input.</summary>
    public bool IsAsked => Body.Length > 0;

    /// <summary>Ends once the caller has closed the connection before the answer was whole.</summary>
    public Task Closed => _closed.Task;

    public HttpResponse Response => _context.Response;

    public Task AnswerAsync(string text, int status = 200, string contentType = "application/json")
    {
        (_context.Response.StatusCode, _context.Response.ContentType) = (status, contentType);
        return _context.Response.WriteAsync(text, _context.RequestAborted);
    }

    /// <summary>Sends a part of the answer.</summary>
    public async Task WriteAsync(string text)
    {
        _context.Response.ContentType ??= "application/json";
        await _context.Response.WriteAsync(text, _context.RequestAborted);
        await _context.Response.Body.FlushAsync(_context.RequestAborted);
    }

    /// <summary>Closes the connection without an end.</summary>
    public void Break() => _context.Abort();

    /// <summary>Says no more until the caller closes the connection.</summary>
    public Task StallAsync() => Closed;
}

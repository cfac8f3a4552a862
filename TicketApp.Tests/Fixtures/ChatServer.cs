using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace TicketApp.Tests.Fixtures;

/// <summary>An OpenAI-compatible endpoint on this machine, which answers as a test wants it to.</summary>
internal sealed class ChatServer : IAsyncDisposable
{
    private readonly ModelServer _server;
    private readonly ConcurrentQueue<ChatExchange> _exchanges;

    private ChatServer(ModelServer server, ConcurrentQueue<ChatExchange> exchanges) => (_server, _exchanges) = (server, exchanges);

    /// <summary>Its address, without a path.</summary>
    public string Url => _server.Url;

    /// <summary>What it was asked, in the order of the requests.</summary>
    public IReadOnlyList<ChatExchange> Exchanges => [.. _exchanges];

    public static async Task<ChatServer> StartAsync(Func<ChatExchange, Task> answer)
    {
        ConcurrentQueue<ChatExchange> exchanges = [];
        return new(await ModelServer.StartAsync(AnswerAsync), exchanges);

        async Task AnswerAsync(ModelExchange asked)
        {
            if (asked is not { Method: "POST", Path: "/v1/chat/completions" })
            {
                asked.Response.StatusCode = StatusCodes.Status404NotFound;
                return;
            }

            ChatExchange exchange = new(asked);
            exchanges.Enqueue(exchange);
            await answer(exchange);
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}

/// <summary>One request to it, and the means to answer.</summary>
internal sealed class ChatExchange(ModelExchange exchange)
{
    public JsonObject Request { get; } = exchange.Json.AsObject();

    public string Authorization => exchange.Headers.GetValueOrDefault("Authorization", "");

    public string ConnectionId => exchange.ConnectionId;

    /// <inheritdoc cref="ModelExchange.Closed"/>
    public Task Closed => exchange.Closed;

    public HttpResponse Response => exchange.Response;

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

    /// <inheritdoc cref="ModelExchange.WriteAsync"/>
    public Task WriteAsync(string text)
    {
        Response.ContentType ??= "text/event-stream";
        return exchange.WriteAsync(text);
    }

    /// <inheritdoc cref="ModelExchange.Break"/>
    public void Break() => exchange.Break();

    /// <inheritdoc cref="ModelExchange.StallAsync"/>
    public Task StallAsync() => exchange.StallAsync();

    private Task ChunkAsync(string choices, string more = "") => EventAsync(
        $$"""{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"served-model","choices":[{{choices}}]{{more}}}""");
}

using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace TicketApp.Tests.Fixtures;

/// <summary>What a receiver got: the headers of the specification, and the body as it came.</summary>
internal sealed record ReceivedWebhook(string Id, long Timestamp, string[] Signatures, byte[] Body)
{
    private readonly JsonElement _json = JsonSerializer.Deserialize<JsonElement>(Body);

    public string Type => _json.GetProperty("type").GetString()!;

    public bool Truncated => _json.TryGetProperty("truncated", out var truncated) && truncated.GetBoolean();

    public JsonElement Data => _json.GetProperty("data");
}

/// <summary>A user's endpoint on this machine, which answers as a test wants it to.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<ReceivedWebhook> _received = [];
    private int _inProgress;
    private int _maxConcurrency;

    private WebhookReceiver(WebApplication app) => _app = app;

    /// <summary>Where it is, by address; <c>http</c>.</summary>
    public string Url => $"{_app.Urls.Single()}/hook";

    /// <summary>The same by name.</summary>
    public string UrlByName => Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);

    public IReadOnlyList<ReceivedWebhook> Received => [.. _received];

    /// <summary>How many requests were in progress at once.</summary>
    public int MaxConcurrency => _maxConcurrency;

    /// <summary>Starts one.</summary>
    /// <param name="answer">Answers the nth request, from 1; without it all are answered 204.</param>
    public static async Task<WebhookReceiver> StartAsync(Func<HttpContext, int, Task>? answer = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        WebhookReceiver receiver = new(app);
        app.Run(context => receiver.ReceiveAsync(context, answer));
        await app.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    /// <summary>Waits until it has received <paramref name="count"/> requests, and returns them.</summary>
    public async Task<IReadOnlyList<ReceivedWebhook>> WaitAsync(int count)
    {
        await Eventually.IsTrueAsync($"{count} webhooks received", TimeSpan.FromSeconds(30), () => _received.Count >= count);
        return Received;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task ReceiveAsync(HttpContext context, Func<HttpContext, int, Task>? answer)
    {
        InterlockedMax(Interlocked.Increment(ref _inProgress));
        try
        {
            using MemoryStream body = new();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            var headers = context.Request.Headers;
            int number;
            lock (_received)
            {
                _received.Enqueue(new(
                    headers["webhook-id"].ToString(),
                    long.Parse(headers["webhook-timestamp"].ToString(), System.Globalization.CultureInfo.InvariantCulture),
                    headers["webhook-signature"].ToString().Split(' '),
                    body.ToArray()));
                number = _received.Count;
            }

            context.Response.StatusCode = StatusCodes.Status204NoContent;
            if (answer is not null)
            {
                await answer(context, number);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _inProgress);
        }
    }

    private void InterlockedMax(int value)
    {
        for (var seen = _maxConcurrency; value > seen; seen = _maxConcurrency)
        {
            Interlocked.CompareExchange(ref _maxConcurrency, value, seen);
        }
    }
}

using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models.Endpoints;

namespace TicketApp.Tests.Facades;

/// <summary>OpenAI's own client submits tickets for a chat model, by nothing but another base URL.</summary>
[Collection(AppCollection.Name)]
public sealed class OpenAiClientTests(AppFixture app)
{
    private const string Model = "openai-chat";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    /// <summary>Each line of the script is a check: see openai.js.</summary>
    [Fact]
    public async Task It_waits_streams_resumes_cancels_and_reads_errors()
    {
        var folder = NodePackages.CreateFolder();
        File.Copy(Path.Combine(Repository.Root, "TicketApp.Tests", "Facades", "openai.js"), Path.Combine(folder.FullName, "openai.js"));
        await using var server = await StartServerAsync();
        await using var worker = await StartWorkerAsync(app, server, Model);

        var output = await NodePackages.RunModuleAsync(
            folder, "openai.js",
            ("BASE_URL", new Uri(app.Api.BaseAddress!, "/openai/v1").ToString()),
            ("API_KEY", await app.CreateUserAsync()),
            ("MODEL", Model));
        folder.Delete(recursive: true);

        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var failed = lines.Where(line => !line.StartsWith("ok ", StringComparison.Ordinal));
        Assert.True(lines.Length > 10 && !failed.Any(), string.Join('\n', failed));
    }

    /// <summary>A worker of the app with a model of the kind.</summary>
    internal static Task<TestWorker> StartWorkerAsync(RunningApp app, ChatServer server, string model) => TestWorker.StartAsync(
        app, model, builder => builder.AddConfiguredModels(),
        [new($"Models:{model}:Kind", "chat"), new($"Models:{model}:Url", server.Url), new($"Models:{model}:Model", "served-model")]);

    /// <summary>An endpoint that does what the last message says.</summary>
    internal static async Task<ChatServer> StartServerAsync()
    {
        ConcurrentDictionary<string, TaskCompletionSource> held = [];
        ConcurrentDictionary<string, int> attempts = [];
        return await ChatServer.StartAsync(exchange => AnswerAsync(exchange));

        async Task AnswerAsync(ChatExchange exchange)
        {
            var content = exchange.Request["messages"]!.AsArray()[^1]!["content"]!;
            var words = content is JsonArray parts ? (string)parts[0]!["text"]! : (string)content!;
            var (what, rest) = words.IndexOf(' ', StringComparison.Ordinal) is > 0 and var space
                ? (words[..space], words[(space + 1)..])
                : (words, "");
            switch (what)
            {
                case "echo":
                    await exchange.AnswerAsync(rest);
                    break;
                case "asked":
                    await exchange.AnswerAsync(JsonEncodedText.Encode(exchange.Request.ToJsonString()).ToString());
                    break;
                case "release":
                    Held(rest).TrySetResult();
                    await exchange.AnswerAsync("released");
                    break;
                case "hold":
                    await exchange.SayAsync("Hel");
                    await Held(rest).Task.WaitAsync(_limit);
                    await exchange.AnswerAsync("lo");
                    break;
                case "flaky" when attempts.AddOrUpdate(rest, 1, (_, count) => count + 1) == 1:
                    await exchange.SayAsync("Once upon");
                    await Held(rest).Task.WaitAsync(_limit);
                    exchange.Break();
                    break;
                case "flaky":
                    await exchange.AnswerAsync("A better", " answer");
                    break;
                case "cut":
                    await exchange.SayAsync("Too lo");
                    await exchange.FinishAsync("length");
                    break;
                case "stall":
                    await exchange.SayAsync("Once");
                    await exchange.StallAsync();
                    break;
                default:
                    exchange.Response.StatusCode = 401;
                    break;
            }
        }

        TaskCompletionSource Held(string name) =>
            held.GetOrAdd(name, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
    }
}

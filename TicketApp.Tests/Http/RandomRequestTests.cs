using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using CsCheck;
using TicketApp.Tests.Facades;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Http;

/// <summary>
/// Whatever two users and someone without a key ask for is answered: never with an error of the service's own, never with what belongs to
/// another, always with a bounded answer, and with an error of the path's form where something is wrong. All that the OpenAPI description
/// has is asked for, and the APIs of others.
/// </summary>
[Collection(KeyedCollection.Name)]
public sealed class RandomRequestTests(KeyedApp app, ITestOutputHelper output)
{
    /// <summary>The same requests in each test run; the long form has others each time, and shrinks what fails.</summary>
    private const string Seed = "0N0XIzNsQ0O2";

    [Fact]
    public async Task Five_hundred_requests_are_answered_and_tell_nothing_of_another_user()
    {
        await using var chat = await StartChatAsync(app);
        var run = await RandomRun.StartAsync(app);
        var random = PCG.Parse(Seed);
        var requests = run.Random.OfEach();
        for (var i = 0; i < 500; i++)
        {
            await run.CheckAsync(requests[i % requests.Count].Generate(random, null, out _));
        }

        Assert.Superset(run.Random.Operations.ToHashSet(), run.Sent.Keys.ToHashSet());
        // Not only refusals, or little would have been tried.
        Assert.Superset(
            new HashSet<HttpStatusCode>
            {
                HttpStatusCode.OK, HttpStatusCode.Created, HttpStatusCode.BadRequest, HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden,
                HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed,
            },
            run.Seen.Keys.ToHashSet());
        // Requests without a key count for the address that the other tests share.
        await Eventually.IsTrueAsync("Requests without a key again", TimeSpan.FromSeconds(10), async () =>
        {
            using var response = await KeyedApp.SendAsync(app.First, HttpMethod.Get, "/v1/models", key: null);
            return response.StatusCode != HttpStatusCode.TooManyRequests;
        });
    }

    /// <summary>
    /// The long form, which the nightly workflow runs: on an application of its own, where no request is refused for their number.
    /// </summary>
    [Fact(Explicit = true)]
    public async Task A_hundred_thousand_requests_are_answered_and_tell_nothing_of_another_user()
    {
        await using UnlimitedApp unlimited = new();
        await unlimited.InitializeAsync();
        await using var chat = await StartChatAsync(unlimited);
        var run = await RandomRun.StartAsync(unlimited);
        // Fewer of them are enough to try a change of one's own.
        var requests = int.Parse(Environment.GetEnvironmentVariable("TICKETAPP_REQUESTS") ?? "100000", CultureInfo.InvariantCulture);
        await run.Random.Requests().SampleAsync(run.CheckAsync, iter: requests, threads: 2);

        var peak = UnlimitedApp.PeakMemoryMiB();
        foreach (var (status, count) in run.Seen.OrderBy(entry => entry.Key))
        {
            output.WriteLine($"{(int)status}: {count}");
        }

        output.WriteLine($"{run.Seen.Values.Sum()} requests to {run.Sent.Count} operations, at most {peak} MiB in a replica");
        Assert.Superset(run.Random.Operations.ToHashSet(), run.Sent.Keys.ToHashSet());
        Assert.InRange(peak, 1, 512);
    }

    /// <summary>A model that clients of OpenAI can choose, and that answers at once.</summary>
    private static async Task<ChatWorker> StartChatAsync(KeyedApp app)
    {
        var server = await ChatServer.StartAsync(exchange => exchange.AnswerAsync("Happy"));
        return new(server, await OpenAiClientTests.StartWorkerAsync(app, server, RandomRequests.ChatModel));
    }

    private sealed record ChatWorker(ChatServer Server, TestWorker Worker) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Worker.DisposeAsync();
            await Server.DisposeAsync();
        }
    }

    /// <summary>Without limits of the number of requests, in the memory of the container that is published.</summary>
    private sealed class UnlimitedApp : KeyedApp
    {
        protected override IReadOnlyDictionary<string, string> ApiSettings => new Dictionary<string, string>(base.ApiSettings)
        {
            ["Limits__RequestsPerSecond"] = "0",
            ["Limits__MaxOpenPerUser"] = "1000",
            ["DOTNET_GCHeapHardLimit"] = "0x18000000",
        };

        /// <summary>The most that a replica of the API ever had in memory.</summary>
        public static int PeakMemoryMiB() => ProcessTree.DescendantsOf(Environment.ProcessId)
            .Where(process => process.Program == "TicketApp.Api")
            .SelectMany(process => File.ReadLines($"/proc/{process.Id}/status"))
            .Where(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
            .Max(line => int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024);
    }
}

/// <summary>Sends random requests, and judges each answer.</summary>
internal sealed class RandomRun(KeyedApp app, RandomRequests random)
{
    private const int MaxAnswer = 4 * 1024 * 1024;
    // A receipt: its id is the secret, which is open to all who have it.
    private const string Receipts = "/v1/erasures/";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(10);

    private readonly RandomCaller[] _callers = new RandomCaller[3];

    public RandomRequests Random => random;

    public ConcurrentDictionary<string, int> Sent { get; } = [];

    public ConcurrentDictionary<HttpStatusCode, int> Seen { get; } = [];

    public static async Task<RandomRun> StartAsync(KeyedApp app)
    {
        var description = await KeyedApp.AskAsync(app.First, HttpMethod.Get, "/openapi/v1.json", key: null);
        RandomRun run = new(app, new((JsonObject)description!));
        run._callers[0] = await run.CreateCallerAsync();
        run._callers[1] = await run.CreateCallerAsync();
        run._callers[2] = new(null, null);
        return run;
    }

    public async Task CheckAsync(RandomRequest random)
    {
        var (caller, other) = (_callers[random.Caller], _callers[random.Caller == 0 ? 1 : 0]);
        var address = caller.Fill(random.Path, other);
        using HttpRequestMessage request = new(new(random.Method), address);
        request.Headers.Authorization = caller.Key is null ? null : new AuthenticationHeaderValue("Bearer", caller.Key);
        foreach (var (name, value) in random.Headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        var sent = random.Body is null ? "" : caller.Fill(random.Body, other);
        if (random.Body is not null)
        {
            request.Content = new StringContent(sent);
            request.Content.Headers.Remove("Content-Type");
            request.Content.Headers.TryAddWithoutValidation("Content-Type", random.ContentType);
        }

        var what = $"{random}\nsent as {request.RequestUri}\n{sent}";
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(_limit);
        using var response = await SendAsync(request, limit.Token);
        if (response is null)
        {
            // The stream of a prediction breaks off where its ticket is removed meanwhile, and nowhere else.
            using var again = await app.Api.GetAsync(address, limit.Token);
            Assert.EndsWith("{stream}", random.Operation, StringComparison.Ordinal);
            Assert.True(again.StatusCode == HttpStatusCode.NotFound, what);
            return;
        }

        var body = await response.Content.ReadAsStringAsync(limit.Token);
        var headers = response.Headers.Concat(response.Content.Headers).SelectMany(header => header.Value);

        Sent.AddOrUpdate(random.Operation, 1, (_, count) => count + 1);
        Seen.AddOrUpdate(response.StatusCode, 1, (_, count) => count + 1);
        Assert.True(
            (int)response.StatusCode < 500 || response.StatusCode == HttpStatusCode.ServiceUnavailable, $"{what}\n{response}\n{body}");
        Assert.True(body.Length < MaxAnswer, what);
        AnswerForm.Assert(response.RequestMessage!.RequestUri!.AbsolutePath, (int)response.StatusCode,
            response.Content.Headers.ContentType?.ToString(), body, what);
        if (!random.Path.StartsWith(Receipts, StringComparison.Ordinal))
        {
            AssertNothingOfOthers(caller, $"{string.Join('\n', headers)}\n{body}", $"{request.RequestUri}{request.Headers}{sent}", what);
            // Another's id in the path names nothing that there is.
            Assert.False(
                response.IsSuccessStatusCode && random.Path.Split('?')[0].Contains("<other:", StringComparison.Ordinal), $"{what}\n{body}");
        }

        if (response.IsSuccessStatusCode)
        {
            caller.Learn(body, $"{request.RequestUri}{sent}");
        }
        else if (response.StatusCode == HttpStatusCode.Unauthorized && caller.Key is not null)
        {
            // It has revoked its key.
            _callers[random.Caller] = await CreateCallerAsync();
        }
    }

    private async Task<HttpResponseMessage?> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await app.Api.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException broken) when (broken.InnerException is IOException)
        {
            return null;
        }
    }

    private void AssertNothingOfOthers(RandomCaller caller, string answer, string request, string what)
    {
        foreach (var secret in _callers.Where(other => other != caller).SelectMany(other => other.Secrets))
        {
            // What a caller sends may be sent back.
            Assert.False(
                answer.Contains(secret, StringComparison.OrdinalIgnoreCase)
                    && !request.Contains(secret, StringComparison.OrdinalIgnoreCase),
                $"{what}\nwas answered with another user's {secret}:\n{answer}");
        }
    }

    private async Task<RandomCaller> CreateCallerAsync()
    {
        var (id, key) = await app.CreateUserWithKeyAsync();
        RandomCaller caller = new(id, key);
        // Something of each kind to ask for, also by the other one.
        foreach (var path in (string[])[$"/v1/users/{id}/webhook-secrets", $"/v1/users/{id}/keys", "/v1/tickets", "/v1/tickets"])
        {
            JsonObject ticket = new() { ["user_id"] = id, ["input"] = caller.Fill("<own:input:0>", caller) };
            using var response = await KeyedApp.SendAsync(
                app.First, HttpMethod.Post, path, key, path == "/v1/tickets" ? ticket : null);
            var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.True(response.IsSuccessStatusCode, $"{path}: {text}");
            caller.Learn(text, "");
        }

        using var keys = await KeyedApp.SendAsync(app.First, HttpMethod.Get, $"/v1/users/{id}/keys", key);
        caller.Learn(await keys.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), "");
        return caller;
    }
}

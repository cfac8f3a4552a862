using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// What deploy/README.md says about a running deployment, done here, with callers who count every request that is not answered as it
/// should be. Minutes long, so not part of a test run; the nightly workflow starts it, with the build of the commit before.
/// </summary>
public sealed class RehearsalTests(ITestOutputHelper output)
{
    private const int Callers = 30;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private readonly ConcurrentQueue<string> _faults = [];
    private readonly ConcurrentDictionary<string, Answered> _answered = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Explicit = true)]
    public Task An_update_and_its_rollback_lose_no_request() => RehearseAsync(async app =>
    {
        await app.RollAsync(Repository.Root);
        output.WriteLine($"Updated from {RehearsalApp.Previous} to {Repository.Root}: {Count()}");
        await app.RollAsync(RehearsalApp.Previous);
        output.WriteLine($"Rolled back: {Count()}");
    });

    [Fact(Explicit = true)]
    public Task A_rotation_of_the_secrets_loses_no_request() => RehearseAsync(async app =>
    {
        var (database, old) = (app.ApiDatabase, app.CurrentAdminKey);
        await app.RotateAsync();
        output.WriteLine($"Rotated: {Count()}");

        await using NpgsqlConnection refused = new(new NpgsqlConnectionStringBuilder(database) { Pooling = false }.ConnectionString);
        Assert.Equal("28P01", (await Assert.ThrowsAsync<PostgresException>(() => refused.OpenAsync(Cancel))).SqlState);
        using HttpClient http = new() { BaseAddress = app.Address };
        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(http, HttpMethod.Post, "/v1/users", old)).Status);
        Assert.Equal(HttpStatusCode.Created, (await SendAsync(http, HttpMethod.Post, "/v1/users", app.CurrentAdminKey)).Status);
    });

    [Fact(Explicit = true)]
    public async Task A_restore_gives_back_every_ticket()
    {
        var dump = Path.Combine(Publication.NewFolder(), "tickets.dump");
        KeyValuePair<string, Answered>[] dumped = [];
        await RehearseAsync(
            async app =>
            {
                dumped = [.. _answered];
                await app.PostgresAsync("pg_dump", "-Fc", "-f", dump, "tickets");
                var count = _answered.Count;
                await Eventually.IsTrueAsync("Tickets that are not in the dump", _limit, () => _answered.Count > count + Callers);
            },
            async app =>
            {
                await app.StopApiAsync();
                await app.PostgresAsync("pg_restore", "-d", "tickets", "--clean", "--if-exists", dump);
                await app.StartApiAsync();

                using HttpClient http = new() { BaseAddress = app.Address };
                foreach (var (id, answer) in dumped)
                {
                    var (status, ticket) = await SendAsync(http, HttpMethod.Get, $"/v1/tickets/{id}", answer.Key);
                    Assert.Equal(HttpStatusCode.OK, status);
                    Assert.Equal(answer.Ticket, ticket!.ToJsonString());
                }

                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{dumped.Length} tickets restored"));
                // And it works.
                var caller = _answered.Count;
                using CancellationTokenSource stop = new();
                var call = CallAsync(app, stop.Token);
                await Eventually.IsTrueAsync("A further ticket", _limit, () => _answered.Count > caller);
                await stop.CancelAsync();
                await call;
                Assert.Empty(_faults);
            });
    }

    private string Count() => string.Create(CultureInfo.InvariantCulture, $"{_answered.Count} tickets answered, {_faults.Count} faults");

    private async Task RehearseAsync(Func<RehearsalApp, Task> whileCalled, Func<RehearsalApp, Task>? afterwards = null)
    {
        RehearsalApp app = new();
        await app.StartAsync();
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            var callers = Enumerable.Range(0, Callers).Select(_ => CallAsync(app, stop.Token)).ToArray();
            await Eventually.IsTrueAsync("Tickets are answered", _limit, () => !_faults.IsEmpty || _answered.Count >= Callers);
            Assert.Empty(_faults);
            await whileCalled(app);
            await stop.CancelAsync();
            await Task.WhenAll(callers);
            output.WriteLine(Count());
            Assert.Empty(_faults);
            await (afterwards?.Invoke(app) ?? Task.CompletedTask);
        }
        finally
        {
            await app.StopAsync();
        }
    }

    /// <summary>One caller after the other of its tickets, each of which it follows to its end.</summary>
    private async Task CallAsync(RehearsalApp app, CancellationToken stop)
    {
        using HttpClient http = new() { BaseAddress = app.Address };
        var (_, user) = await SendAsync(http, HttpMethod.Post, "/v1/users", app.CurrentAdminKey);
        var key = (string)user!["api_key"]!;
        while (!stop.IsCancellationRequested)
        {
            var (status, ticket) = await SendAsync(
                http, HttpMethod.Post, "/v1/tickets", key, new JsonObject { ["user_id"] = (string)user["id"]!, ["input"] = "good" });
            while (status is HttpStatusCode.Created or HttpStatusCode.OK && (string?)ticket!["status"] is "queued" or "running")
            {
                (status, ticket) = await SendAsync(http, HttpMethod.Get, $"/v1/tickets/{ticket["id"]}", key);
            }

            if (status is HttpStatusCode.Created or HttpStatusCode.OK && (string?)ticket!["status"] == "succeeded")
            {
                _answered[(string)ticket["id"]!] = new(key, ticket.ToJsonString());
            }
            else
            {
                _faults.Enqueue($"{status}: {ticket}");
            }
        }
    }

    /// <summary>What is no answer is a status too: that of a gateway.</summary>
    private static async Task<(HttpStatusCode Status, JsonNode? Body)> SendAsync(
        HttpClient http, HttpMethod method, string path, string key, JsonObject? body = null)
    {
        using HttpRequestMessage request = new(method, path) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", key) } };
        request.Headers.Add("Prefer", "wait=30");
        request.Content = body is null ? null : JsonContent.Create(body);
        try
        {
            using var response = await http.SendAsync(request, Cancel);
            var text = await response.Content.ReadAsStringAsync(Cancel);
            return (response.StatusCode, text.StartsWith('{') ? JsonNode.Parse(text) : JsonValue.Create(text));
        }
        catch (HttpRequestException e)
        {
            return (HttpStatusCode.BadGateway, JsonValue.Create(e.Message));
        }
    }

    private sealed record Answered(string Key, string Ticket);
}

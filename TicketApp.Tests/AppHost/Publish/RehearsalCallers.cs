using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>Callers of a deployment, who follow tickets to their ends and count requests that are not answered as they should be.</summary>
internal sealed class RehearsalCallers
{
    private const int BatchSize = 200;
    private const int Followed = 20; // One in so many: a user asks so often a second.

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The finished tickets by id.</summary>
    public ConcurrentDictionary<string, Answer> Answers { get; } = [];

    public ConcurrentQueue<string> Faults { get; } = [];

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Answers.Count} tickets answered, {Faults.Count} faults");

    /// <summary>A caller of one ticket after the other.</summary>
    public async Task CallAsync(Uri address, string adminKey, CancellationToken stop)
    {
        using HttpClient http = new() { BaseAddress = address };
        var (user, key) = await CreateUserAsync(http, adminKey);
        while (!stop.IsCancellationRequested)
        {
            var (status, ticket) = await SendAsync(
                http, HttpMethod.Post, "/v1/tickets", key, new JsonObject { ["user_id"] = user, ["input"] = "good" });
            await FollowAsync(http, key, status, ticket);
        }
    }

    /// <summary>A caller of batches of megabytes, one after the other.</summary>
    public async Task CallWithBatchesAsync(Uri address, string adminKey, CancellationToken stop)
    {
        using HttpClient http = new() { BaseAddress = address };
        var (user, key) = await CreateUserAsync(http, adminKey);
        string input = new('x', 9_000);
        while (!stop.IsCancellationRequested)
        {
            JsonArray tickets = [.. Enumerable.Range(0, BatchSize).Select(_ => new JsonObject { ["user_id"] = user, ["input"] = input })];
            JsonObject body = new() { ["tickets"] = tickets };
            var (status, batch) = await SendAsync(http, HttpMethod.Post, "/v1/tickets/batch", key, body);
            if (status != HttpStatusCode.OK)
            {
                Faults.Enqueue($"{status}: {batch}");
                continue;
            }

            foreach (var ticket in batch!["results"]!.AsArray().Where((_, i) => i % Followed == Followed - 1))
            {
                await FollowAsync(http, key, HttpStatusCode.OK, ticket!["ticket"] ?? ticket);
            }
        }
    }

    /// <summary>What is no answer is a status too: that of a gateway.</summary>
    public static async Task<(HttpStatusCode Status, JsonNode? Body)> SendAsync(
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

    private async Task FollowAsync(HttpClient http, string key, HttpStatusCode status, JsonNode? ticket)
    {
        while (status is HttpStatusCode.Created or HttpStatusCode.OK && (string?)ticket!["status"] is "queued" or "running")
        {
            (status, ticket) = await SendAsync(http, HttpMethod.Get, $"/v1/tickets/{ticket["id"]}", key);
        }

        if (status is HttpStatusCode.Created or HttpStatusCode.OK && (string?)ticket!["status"] == "succeeded")
        {
            Answers[(string)ticket["id"]!] = new(key, ticket.ToJsonString());
        }
        else
        {
            Faults.Enqueue($"{status}: {ticket}");
        }
    }

    private static async Task<(string User, string Key)> CreateUserAsync(HttpClient http, string adminKey)
    {
        var (_, user) = await SendAsync(http, HttpMethod.Post, "/v1/users", adminKey);
        return ((string)user!["id"]!, (string)user["api_key"]!);
    }

    /// <param name="Key">Who may read the ticket.</param>
    /// <param name="Ticket">As it was answered.</param>
    internal sealed record Answer(string Key, string Ticket);
}

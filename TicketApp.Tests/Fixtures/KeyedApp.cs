using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace TicketApp.Tests.Fixtures;

/// <summary>
/// The application with two replicas of the API, where calls need keys, users have small limits, and a
/// replica has two connections to the database.
/// </summary>
public sealed class KeyedApp : RunningApp
{
    public const string AdminKey = "admin-key-of-the-tests-1";
    public const int OpenTickets = 20;
    public const int RequestsPerSecond = 100;

    public HttpClient First => Replica(0);

    public HttpClient Second => Replica(1);

    protected override int ApiReplicas => 2;

    protected override IReadOnlyDictionary<string, string> ApiSettings { get; } = new Dictionary<string, string>
    {
        // Nothing says that keys are wanted: they are, since this is not Development.
        ["ASPNETCORE_ENVIRONMENT"] = "Production",
        ["Auth__AdminKeys__0"] = AdminKey,
        ["Limits__MaxOpenPerUser"] = OpenTickets.ToString(CultureInfo.InvariantCulture),
        ["Limits__RequestsPerSecond"] = RequestsPerSecond.ToString(CultureInfo.InvariantCulture),
    };

    protected override IReadOnlyDictionary<string, string> WorkerSettings { get; } = new Dictionary<string, string>
    {
        ["Simulator__MinDuration"] = "00:00:00.010",
        ["Simulator__MaxDuration"] = "00:00:00.050",
    };

    // Nothing that serves a request, nor a loop, may hold one while it asks for another.
    protected override IReadOnlyDictionary<string, string> EnvironmentOf(string service, string database, Uri broker) =>
        base.EnvironmentOf(service, $"{database};Maximum Pool Size=2", broker);

    /// <summary>Sends a request with a key, or without.</summary>
    public static async Task<HttpResponseMessage> SendAsync(
        HttpClient replica, HttpMethod method, string path, string? key, JsonNode? body = null)
    {
        using HttpRequestMessage request = new(method, path);
        request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        request.Content = body is null ? null : JsonContent.Create(body);
        return await replica.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>Sends a request with a key that must be answered with <paramref name="expected"/>; the answer, if it is JSON.</summary>
    public static async Task<JsonNode?> AskAsync(
        HttpClient replica,
        HttpMethod method,
        string path,
        string? key,
        HttpStatusCode expected = HttpStatusCode.OK,
        JsonNode? body = null)
    {
        using var response = await SendAsync(replica, method, path, key, body);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(expected == response.StatusCode, $"{method} {path}: {(int)response.StatusCode} {text}");
        return text.Length == 0 ? null : JsonNode.Parse(text);
    }

    /// <summary>A new user and the key that came with it.</summary>
    public async Task<(string Id, string Key)> CreateUserWithKeyAsync()
    {
        var user = await AskAsync(First, HttpMethod.Post, "/v1/users", key: null, HttpStatusCode.Created);
        return (user!["id"]!.GetValue<string>(), user["api_key"]!.GetValue<string>());
    }
}

[CollectionDefinition(Name)]
public sealed class KeyedCollection : ICollectionFixture<KeyedApp>
{
    public const string Name = "The application with keys";
}

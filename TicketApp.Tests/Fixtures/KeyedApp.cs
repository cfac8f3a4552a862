using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace TicketApp.Tests.Fixtures;

/// <summary>
/// The application with two replicas of the API, where calls need keys, users have small limits, and a
/// replica has two connections to the database.
/// </summary>
public class KeyedApp : RunningApp
{
    public const string AdminKey = "admin-key-of-the-tests-1";
    public const int OpenTickets = 20;
    public const int RequestsPerSecond = 100;

    public const int BytesInFlight = 16 * 1024 * 1024;

    public HttpClient First => Replica(0);

    public HttpClient Second => Replica(1);

    protected override int ApiReplicas => 2;

    protected override IReadOnlyDictionary<string, string> ApiSettings { get; } = new Dictionary<string, string>
    {
        // Nothing says that keys are wanted: they are, since this is not Development.
        ["ASPNETCORE_ENVIRONMENT"] = "Production",
        ["Auth__AdminKeys__0"] = AdminKey,
        // As in the original, as many as the tests need.
        ["Auth__SignUp"] = "anyone",
        ["Limits__SignUpsPerMinute"] = "0",
        ["Limits__SignUpsPerMinutePerAddress"] = "0",
        ["Limits__MaxOpenPerUser"] = OpenTickets.ToString(CultureInfo.InvariantCulture),
        ["Limits__RequestsPerSecond"] = RequestsPerSecond.ToString(CultureInfo.InvariantCulture),
        ["Limits__MaxBytesInFlight"] = BytesInFlight.ToString(CultureInfo.InvariantCulture),
        // As Aspire publishes it. No proxy is known.
        ["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true",
    };

    protected override IReadOnlyDictionary<string, string> WorkerSettings { get; } = new Dictionary<string, string>
    {
        ["Simulator__MinDuration"] = "00:00:00.010",
        ["Simulator__MaxDuration"] = "00:00:00.050",
    };

    // Nothing that serves a request, nor a loop, may hold one while it asks for another.
    protected override IReadOnlyDictionary<string, string> EnvironmentOf(string service, string database, Uri broker) =>
        base.EnvironmentOf(service, $"{database};Maximum Pool Size=2", broker);

    /// <summary>Calls a replica from another address of this machine.</summary>
    public static HttpClient From(IPAddress address, HttpClient replica)
    {
        SocketsHttpHandler handler = new()
        {
            ConnectCallback = async (context, cancellationToken) =>
            {
                Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                socket.Bind(new IPEndPoint(address, 0));
                await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        return new(new ContractHandler(handler)) { BaseAddress = replica.BaseAddress };
    }

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
        var user = await AskAsync(First, HttpMethod.Post, "/v1/users", AdminKey, HttpStatusCode.Created);
        return (user!["id"]!.GetValue<string>(), user["api_key"]!.GetValue<string>());
    }
}

[CollectionDefinition(Name)]
public sealed class KeyedCollection : ICollectionFixture<KeyedApp>
{
    public const string Name = "The application with keys";
}

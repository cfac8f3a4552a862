using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace TicketApp.Tests.Fixtures;

/// <summary>
/// Two more replicas of the Api, started without an AppHost on the database and the broker of a running application, where
/// calls need keys and users have small limits.
/// </summary>
public sealed class KeyedReplicas(AppFixture app) : IAsyncLifetime
{
    public const string AdminKey = "admin-key-of-the-tests-1";
    public const int OpenTickets = 20;
    public const int RequestsPerSecond = 100;

    private static readonly TimeSpan _startLimit = TimeSpan.FromSeconds(60);

    private readonly List<Process> _processes = [];
    private readonly List<HttpClient> _clients = [];

    public AppFixture App { get; } = app;

    public HttpClient First => Replica(0);

    public HttpClient Second => Replica(1);

    public async ValueTask InitializeAsync()
    {
        if (App.Database.Length == 0)
        {
            // It could not be started, and says why to each test.
            return;
        }

        Start();
        Start();
        foreach (var client in _clients)
        {
            await Eventually.GetAsync<object>("A replica with keys is healthy", _startLimit, () => IsHealthyAsync(client));
        }
    }

    public async ValueTask DisposeAsync()
    {
        _clients.ForEach(client => client.Dispose());
        foreach (var process in _processes)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    /// <summary>Sends a request with a key, or without.</summary>
    public static async Task<HttpResponseMessage> SendAsync(HttpClient replica, HttpMethod method, string path, string? key, JsonNode? body = null)
    {
        using HttpRequestMessage request = new(method, path);
        request.Headers.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        request.Content = body is null ? null : JsonContent.Create(body);
        return await replica.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>Sends a request with a key that must be answered with <paramref name="expected"/>; the answer, if it is JSON.</summary>
    public static async Task<JsonNode?> AskAsync(HttpClient replica, HttpMethod method, string path, string? key, HttpStatusCode expected = HttpStatusCode.OK, JsonNode? body = null)
    {
        using var response = await SendAsync(replica, method, path, key, body);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(expected == response.StatusCode, $"{method} {path}: {(int)response.StatusCode} {text}");
        return text.Length == 0 ? null : JsonNode.Parse(text);
    }

    /// <summary>A new user and the key that came with it.</summary>
    public async Task<(string Id, string Key)> CreateUserAsync()
    {
        var user = await AskAsync(First, HttpMethod.Post, "/v1/users", key: null, HttpStatusCode.Created);
        return (user!["id"]!.GetValue<string>(), user["api_key"]!.GetValue<string>());
    }

    private static async Task<object?> IsHealthyAsync(HttpClient client)
    {
        try
        {
            using var response = await client.GetAsync("/health", TestContext.Current.CancellationToken);
            return response.IsSuccessStatusCode ? response.StatusCode : null;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private static int FreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private HttpClient Replica(int number)
    {
        _ = App.Api;
        return _clients[number];
    }

    private void Start()
    {
        var address = $"http://127.0.0.1:{FreePort()}";
        ProcessStartInfo start = new("dotnet", [Path.Combine(AppContext.BaseDirectory, "TicketApp.Api.dll")])
        {
            RedirectStandardOutput = true,
            Environment =
            {
                ["ASPNETCORE_URLS"] = address,
                // Nothing says that keys are wanted: they are, since this is not Development.
                ["ASPNETCORE_ENVIRONMENT"] = "Production",
                ["ConnectionStrings__tickets"] = App.Database,
                ["ConnectionStrings__rabbitmq"] = App.Broker,
                ["Auth__AdminKeys__0"] = AdminKey,
                ["Limits__OpenTickets"] = $"{OpenTickets}",
                ["Limits__RequestsPerSecond"] = $"{RequestsPerSecond}",
            },
        };
        var process = Process.Start(start)!;
        process.BeginOutputReadLine();
        _processes.Add(process);
        _clients.Add(new HttpClient { BaseAddress = new Uri(address) });
    }
}

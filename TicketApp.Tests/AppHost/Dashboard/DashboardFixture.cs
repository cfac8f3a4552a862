using System.Net.Http.Json;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Dashboard;

/// <summary>The AppHost with its dashboard, as a person starts it, but with little room for telemetry.</summary>
public sealed class DashboardFixture : IAsyncLifetime
{
    public const string OtlpApiKey = "key-of-the-test";
    public const int MaxLogCount = 500;
    public const int MaxBytes = 4 << 20;

    private readonly string _stateDirectory = Path.Combine(Path.GetTempPath(), $"ticketapp-test-{Guid.NewGuid():N}");
    private AppHostProcess? _appHost;
    private HttpClient? _api;
    private HttpClient? _client;
    private string? _obstacle;

    /// <summary>With the token, as the AppHost printed it.</summary>
    public Uri Login => AppHost.Login;

    public Uri Url => new(Login.GetLeftPart(UriPartial.Authority));

    /// <summary>Where the processes are told to send telemetry.</summary>
    public Uri Otlp { get; private set; } = new("http://localhost");

    /// <summary>Logged in.</summary>
    public HttpClient Client => _client ?? throw Unavailable();

    private AppHostProcess AppHost => _appHost ?? throw Unavailable();

    public async ValueTask InitializeAsync()
    {
        if (!AppAvailability.IsOffline)
        {
            // The real packages bring their own dashboard, whose tests are elsewhere.
            _obstacle = "Only offline mode has this dashboard.";
            return;
        }

        // Servers that root starts run as their service users and have to pass through.
        Directory.CreateDirectory(_stateDirectory, (UnixFileMode)0b111_001_001);
        _appHost = AppHostProcess.Start(_stateDirectory, new Dictionary<string, string>
        {
            ["DOTNET_ENVIRONMENT"] = "Development",
            ["AppHost__OtlpApiKey"] = OtlpApiKey,
            ["Dashboard__TelemetryLimits__MaxLogCount"] = $"{MaxLogCount}",
            ["Dashboard__TelemetryLimits__MaxBytes"] = $"{MaxBytes}",
            ["Simulator__Min"] = "00:00:00.010",
            ["Simulator__Max"] = "00:00:00.050",
        });
        try
        {
            await _appHost.WaitUntilHealthyAsync();
        }
        catch (InvalidOperationException e) when (AppAvailability.MaySkip && _appHost.Output.Contains("Not installed", StringComparison.Ordinal))
        {
            _obstacle = e.Message;
            return;
        }

        _api = new HttpClient { BaseAddress = _appHost.Api };
        _client = new HttpClient { BaseAddress = Url };
        (await _client.GetAsync(Login)).EnsureSuccessStatusCode();
        Otlp = new Uri((await VariableAsync("api", "OTEL_EXPORTER_OTLP_ENDPOINT"))!);
    }

    public async ValueTask DisposeAsync()
    {
        _api?.Dispose();
        _client?.Dispose();
        if (_appHost is not null)
        {
            if (_obstacle is null)
            {
                await _appHost.InterruptAsync();
                await _appHost.WaitForExitAsync();
            }

            await _appHost.DisposeAsync();
            Directory.Delete(_stateDirectory, recursive: true);
        }
    }

    /// <summary>Submits a ticket of a new user.</summary>
    public async Task CreateTicketAsync()
    {
        Assert.SkipWhen(_obstacle is not null, _obstacle ?? "");
        using var user = await _api!.PostAsync("/user", null, TestContext.Current.CancellationToken);
        var userId = (await user.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!["user_id"]!.GetValue<string>();
        using var ticket = await _api.PostAsJsonAsync("/ticket", new JsonObject { ["user_id"] = userId }, TestContext.Current.CancellationToken);
        ticket.EnsureSuccessStatusCode();
    }

    /// <summary>Submits a ticket of a new user to the simulator.</summary>
    /// <returns>Its id.</returns>
    public async Task<string> CreateTicketAsync(string input)
    {
        Assert.SkipWhen(_obstacle is not null, _obstacle ?? "");
        using var user = await _api!.PostAsync("/v1/users", null, TestContext.Current.CancellationToken);
        var userId = (await user.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!["id"]!.GetValue<string>();
        using var ticket = await _api.PostAsJsonAsync("/v1/tickets", new JsonObject { ["user_id"] = userId, ["input"] = input }, TestContext.Current.CancellationToken);
        ticket.EnsureSuccessStatusCode();
        return (await ticket.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!["id"]!.GetValue<string>();
    }

    /// <summary>JSON of the dashboard.</summary>
    public async Task<JsonNode> GetAsync(string path) =>
        (await Client.GetFromJsonAsync<JsonNode>(path, TestContext.Current.CancellationToken))!;

    /// <summary>The resources as a page gets them first.</summary>
    public async Task<JsonArray> ResourcesAsync()
    {
        using var stream = new StreamReader(await Client.GetStreamAsync("/api/live", TestContext.Current.CancellationToken));
        while (await stream.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.StartsWith("data: [", StringComparison.Ordinal))
            {
                return JsonNode.Parse(line["data: ".Length..])!.AsArray();
            }
        }

        throw new InvalidOperationException("The stream of resources ended.");
    }

    /// <summary>The ids of the instances of a resource.</summary>
    public async Task<string[]> InstancesAsync(string resource) =>
    [
        .. (await ResourcesAsync())
            .Where(candidate => candidate!["name"]!.GetValue<string>() == resource)
            .Select(candidate => candidate!["id"]!.GetValue<string>()),
    ];

    /// <summary>The id of the first of them.</summary>
    public async Task<string> InstanceAsync(string resource) => (await InstancesAsync(resource))[0];

    /// <summary>What the dashboard says without being asked to reveal anything; null for a secret.</summary>
    public async Task<string?> VariableAsync(string resource, string name) =>
        (await GetAsync($"/api/resources/{await InstanceAsync(resource)}/environment")).AsArray()
            .Single(variable => variable!["name"]!.GetValue<string>() == name)!["value"]?.GetValue<string>();

    /// <summary>Gives a command to an instance, as a page does.</summary>
    public async Task ExecuteAsync(string instance, string command) => Assert.True(await TryExecuteAsync(instance, command));

    /// <summary>The same, of a command that may not be possible yet.</summary>
    public async Task<bool> TryExecuteAsync(string instance, string command)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/resources/{instance}/commands/{command}");
        request.Headers.Add("Origin", Url.GetLeftPart(UriPartial.Authority));
        using var response = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!["success"]!.GetValue<bool>();
    }

    private InvalidOperationException Unavailable()
    {
        Assert.SkipWhen(!AppAvailability.IsOffline || AppAvailability.MaySkip, _obstacle ?? "The AppHost did not start.");
        return new InvalidOperationException(_obstacle ?? "The AppHost did not start.");
    }
}

[CollectionDefinition(Name)]
public sealed class DashboardCollection : ICollectionFixture<DashboardFixture>
{
    public const string Name = "The dashboard";
}

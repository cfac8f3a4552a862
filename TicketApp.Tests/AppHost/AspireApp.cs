using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Playwright;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost;

/// <summary>
/// The application under Aspire's orchestrator, with its dashboard, on data of its own. One start serves all tests of what is Aspire's.
/// </summary>
public sealed class AspireApp : IAsyncLifetime
{
    private const string Dashboard = "aspire-dashboard";
    private const string ApiKey = "api-key-of-the-tests";
    private const string BrowserToken = "browser-token-of-the-tests";

    private static readonly TimeSpan _startLimit = TimeSpan.FromMinutes(3);

    private readonly ConcurrentDictionary<string, ResourceEvent> _latest = [];
    private readonly CancellationTokenSource _disposed = new();
    private readonly DirectoryInfo _data = AppProcesses.CreateDirectory();
    private Task _watching = Task.CompletedTask;
    private DistributedApplication? _app;
    private HttpClient? _api;
    private HttpClient? _dashboard;
    private string? _obstacle;

    public DistributedApplication App
    {
        get
        {
            if (_app is null)
            {
                AppAvailability.Refuse(_obstacle ?? "The application did not start.");
            }

            return _app;
        }
    }

    public HttpClient Api => App is null ? null! : _api!;

    /// <summary>Where the dashboard is opened, without the token.</summary>
    public Uri DashboardUrl => App.GetEndpoint(Dashboard, "http");

    /// <summary>Where a person logs in to the dashboard.</summary>
    public Uri Login => new(DashboardUrl, $"/login?t={BrowserToken}");

    public async ValueTask InitializeAsync()
    {
        using CancellationTokenSource limit = new(_startLimit);
        // Not disposed of here: the application that it builds outlives it.
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.TicketApp_AppHost>(
            [
                $"--Servers:Data={_data.FullName}",
                $"--Dashboard:Api:PrimaryApiKey={ApiKey}",
                $"--AppHost:DashboardApiKey={ApiKey}",
                $"--ASPIRE_DASHBOARD_FRONTEND_BROWSERTOKEN={BrowserToken}",
            ],
            (options, _) => options.DisableDashboard = false,
            limit.Token);
        foreach (var resource in builder.Resources)
        {
            // Containers have data of their own too, gone afterwards.
            foreach (var volume in resource.Annotations.OfType<ContainerMountAnnotation>().ToList())
            {
                resource.Annotations.Remove(volume);
            }
        }

        var worker = builder.Resources.OfType<ProjectResource>().Single(project => project.Name == "worker");
        builder.CreateResourceBuilder(worker)
            .WithEnvironment("Simulator__MinDuration", "00:00:00.010")
            .WithEnvironment("Simulator__MaxDuration", "00:00:00.050");
        // The shortest: a test waits for the lease of a worker that was killed.
        var api = builder.Resources.OfType<ProjectResource>().Single(project => project.Name == "api");
        builder.CreateResourceBuilder(api).WithEnvironment("Dispatch__LeaseDuration", "00:00:20");

        _app = await builder.BuildAsync(limit.Token);
        try
        {
            await _app.StartAsync(limit.Token);
        }
        catch (DistributedApplicationException e)
        {
            // A server is not installed.
            _obstacle = e.Message;
            await _app.DisposeAsync();
            _app = null;
            return;
        }

        _watching = WatchAsync(_app.ResourceNotifications);
        foreach (var name in (string[])["api", "worker", Dashboard])
        {
            await _app.ResourceNotifications.WaitForResourceHealthyAsync(name, limit.Token);
        }

        _api = _app.CreateHttpClient("api");
        _dashboard = new() { BaseAddress = DashboardUrl, DefaultRequestHeaders = { { "x-api-key", ApiKey } } };
    }

    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _disposed.Dispose();
        _api?.Dispose();
        _dashboard?.Dispose();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        _data.Delete(recursive: true);
    }

    /// <summary>The state of each instance of a resource, as the dashboard gets it.</summary>
    public IReadOnlyList<ResourceEvent> InstancesOf(string resource) =>
        [
            .. _latest.Values
                .Where(instance => instance.Resource.Name == resource)
                .OrderBy(instance => instance.ResourceId, StringComparer.Ordinal),
        ];

    /// <summary>Gives a command to an instance, and fails if it does.</summary>
    public async Task<ExecuteCommandResult> ExecuteAsync(string resourceId, string command)
    {
        var result = await App.ResourceCommands.ExecuteCommandAsync(resourceId, command, TestContext.Current.CancellationToken);
        Assert.True(result.Success, $"{resourceId} {command}: {result.Message}");
        return result;
    }

    public Task WaitUntilHealthyAsync(string resourceId) => Eventually.IsTrueAsync($"{resourceId} healthy", _startLimit, () =>
        _latest[resourceId].Snapshot is { HealthStatus: HealthStatus.Healthy, State.Text: "Running" });

    /// <summary>Submits a ticket of a new user to the simulator.</summary>
    /// <returns>Its id.</returns>
    public async Task<string> CreateTicketAsync(string input)
    {
        var cancel = TestContext.Current.CancellationToken;
        using var user = await Api.PostAsync("/v1/users", null, cancel);
        var userId = (await user.Content.ReadFromJsonAsync<JsonObject>(cancel))!["id"]!.GetValue<string>();
        using var ticket = await Api.PostAsJsonAsync("/v1/tickets", new JsonObject { ["user_id"] = userId, ["input"] = input }, cancel);
        ticket.EnsureSuccessStatusCode();
        return (await ticket.Content.ReadFromJsonAsync<JsonObject>(cancel))!["id"]!.GetValue<string>();
    }

    /// <summary>What the dashboard received and answers to programs, as OTLP in JSON.</summary>
    public async Task<JsonNode> TelemetryAsync(string query)
    {
        _ = App;
        return (await _dashboard!.GetFromJsonAsync<JsonNode>($"/api/telemetry/{query}", TestContext.Current.CancellationToken))!["data"]!;
    }

    /// <summary>The dashboard in a browser, logged in.</summary>
    public async Task<IPage> OpenDashboardAsync(BrowserFixture browser)
    {
        var page = await browser.OpenPageAsync(DashboardUrl);
        page.SetDefaultTimeout(60_000);
        await page.GotoAsync(Login.ToString());
        return page;
    }

    private async Task WatchAsync(ResourceNotificationService notifications)
    {
        await foreach (var instance in notifications.WatchAsync(_disposed.Token))
        {
            _latest[instance.ResourceId] = instance;
        }
    }
}

[CollectionDefinition(Name)]
public sealed class AspireCollection : ICollectionFixture<AspireApp>
{
    public const string Name = "The application under Aspire";
}

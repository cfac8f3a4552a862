using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace TicketApp.Tests.Fixtures;

/// <summary>The whole application, started by its AppHost on data of its own. One start serves all tests of a collection.</summary>
public abstract class RunningApp : IAsyncLifetime
{
    private static readonly TimeSpan _startLimit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan _finishLimit = TimeSpan.FromSeconds(60);

    private DistributedApplication? _app;
    private HttpClient? _api;
    private ErrorsQueue? _errors;
    private string? _obstacle;

    public DistributedApplication App => Available(_app);

    public HttpClient Api => Available(_api);

    public ErrorsQueue Errors => Available(_errors);

    /// <summary>Npgsql connection string of the database.</summary>
    public string Database { get; private set; } = "";

    /// <summary>AMQP URI of the broker.</summary>
    public string Broker { get; private set; } = "";

    protected virtual IReadOnlyDictionary<string, string> ApiSettings { get; } = new Dictionary<string, string>();

    protected virtual IReadOnlyDictionary<string, string> WorkerSettings { get; } = new Dictionary<string, string>();

    protected virtual int ApiReplicas => 1;

    public async ValueTask InitializeAsync()
    {
        _obstacle = AppAvailability.Obstacle;
        if (_obstacle is null)
        {
            await StartAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await OnStoppingAsync();
        _api?.Dispose();
        if (_errors is not null)
        {
            await _errors.DisposeAsync();
        }

        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    /// <summary>The id of a new user.</summary>
    public async Task<string> CreateUserAsync()
    {
        using var response = await Api.PostAsync("/user", null, TestContext.Current.CancellationToken);
        return await FieldAsync(response, "user_id");
    }

    /// <summary>The id of a new ticket of that user.</summary>
    public async Task<string> CreateTicketAsync(string userId)
    {
        using var response = await Api.PostAsJsonAsync("/ticket", new JsonObject { ["user_id"] = userId }, TestContext.Current.CancellationToken);
        return await FieldAsync(response, "ticket_id");
    }

    /// <summary>The id of a new ticket for a model, with further fields of the resource API.</summary>
    public async Task<string> CreateTicketAsync(string userId, string model, string? input = null, JsonObject? policy = null)
    {
        JsonObject ticket = new() { ["user_id"] = userId, ["model"] = model };
        if (input is not null)
        {
            ticket["input"] = input;
        }

        if (policy is not null)
        {
            ticket["policy"] = policy;
        }

        using var response = await Api.PostAsJsonAsync("/v1/tickets", ticket, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        return (await response.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!["id"]!.GetValue<string>();
    }

    /// <summary>Asks until the ticket is finished. The answer of the model.</summary>
    public Task<string> FinishAsync(string ticketId) => Eventually.GetAsync($"Ticket {ticketId} finished", _finishLimit, async () =>
    {
        using var response = await Api.GetAsync($"/ticket?ticket_id={ticketId}", TestContext.Current.CancellationToken);
        return response.StatusCode == HttpStatusCode.Accepted ? null : await FieldAsync(response, "ticket_response");
    });

    /// <summary>Called while the model can still be changed.</summary>
    protected virtual void OnBuilding(IDistributedApplicationTestingBuilder builder)
    {
    }

    /// <summary>Called before anything starts.</summary>
    protected virtual void OnBuilt(DistributedApplication app)
    {
    }

    protected virtual ValueTask OnStoppingAsync() => ValueTask.CompletedTask;

    private static async Task<string> FieldAsync(HttpResponseMessage response, string name)
    {
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var body = await response.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken);
        return body![name]!.GetValue<string>();
    }

    private T Available<T>([NotNull] T? value)
        where T : class
    {
        if (value is null)
        {
            Assert.SkipWhen(AppAvailability.MaySkip, _obstacle ?? "The application did not start.");
            throw new InvalidOperationException(_obstacle ?? "The application did not start.");
        }

        return value;
    }

    private async Task StartAsync()
    {
        using var limit = new CancellationTokenSource(_startLimit);
        // Not disposed of here: the application that it builds outlives it.
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.TicketApp_AppHost>(limit.Token);
        foreach (var resource in builder.Resources)
        {
            // Data of its own, gone afterwards: a developer's application may be running on the volumes.
            foreach (var volume in resource.Annotations.OfType<ContainerMountAnnotation>().ToList())
            {
                resource.Annotations.Remove(volume);
            }
        }

        Configure(builder, "api", ApiSettings);
        Configure(builder, "worker", WorkerSettings);
        builder.CreateResourceBuilder(builder.Resources.OfType<ProjectResource>().Single(resource => resource.Name == "api")).WithReplicas(ApiReplicas);
        OnBuilding(builder);
        _app = await builder.BuildAsync(limit.Token);
        OnBuilt(_app);
        try
        {
            await _app.StartAsync(limit.Token);
        }
        catch (DistributedApplicationException e) when (AppAvailability.MaySkip)
        {
            // A server is not installed.
            _obstacle = e.Message;
            return;
        }

        try
        {
            await _app.ResourceNotifications.WaitForResourceHealthyAsync("api", limit.Token);
            await _app.ResourceNotifications.WaitForResourceHealthyAsync("worker", limit.Token);
        }
        catch (Exception e) when (e is DistributedApplicationException or OperationCanceledException)
        {
            throw new InvalidOperationException($"The application did not start.\n{await OutputAsync(_app)}", e);
        }

        Database = (await _app.GetConnectionStringAsync("tickets", limit.Token))!;
        Broker = (await _app.GetConnectionStringAsync("rabbitmq", limit.Token))!;
        _errors = await ErrorsQueue.OpenAsync(new Uri(Broker), limit.Token);
        _api = _app.CreateHttpClient("api");
    }

    /// <summary>What the resources wrote, which says why one of them did not start.</summary>
    private static async Task<string> OutputAsync(DistributedApplication app)
    {
        var loggers = app.Services.GetRequiredService<ResourceLoggerService>();
        var output = new StringBuilder();
        foreach (var resource in (string[])["postgres", "rabbitmq", "api", "worker"])
        {
            await foreach (var lines in loggers.GetAllAsync(resource))
            {
                output.AppendJoin('\n', lines.Select(line => $"[{resource}] {line.Content}")).AppendLine();
            }
        }

        return output.ToString();
    }

    private static void Configure(IDistributedApplicationTestingBuilder builder, string project, IReadOnlyDictionary<string, string> settings)
    {
        var resource = builder.CreateResourceBuilder(builder.Resources.OfType<ProjectResource>().Single(resource => resource.Name == project));
        foreach (var (name, value) in settings)
        {
            resource.WithEnvironment(name, value);
        }
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Npgsql;
using TicketApp.Tests.AppHost.Publish;

namespace TicketApp.Tests.Fixtures;

/// <summary>
/// The whole application, as processes of this machine on data of its own: what the AppHost runs,
/// without its orchestrator. One start serves all tests of a collection.
/// </summary>
public abstract class RunningApp : IAsyncLifetime
{
    protected const string ApiService = "api";
    protected const string WorkerService = "worker";
    protected const string Password = "PasswordOfTheTests";

    private const int WorkerReplicas = 2;
    private const int MaxLines = 150;
    private static readonly TimeSpan _finishLimit = TimeSpan.FromSeconds(60);

    private readonly List<ChildProcess> _processes = [];
    private DirectoryInfo? _directory;
    private string? _database;
    private Uri? _broker;
    private HttpClient? _api;
    private HttpClient[]? _replicas;
    private ErrorsQueue? _errors;
    private string? _obstacle;

    /// <summary>Calls whichever replica of the API listens.</summary>
    public HttpClient Api => Available(_api);

    public ErrorsQueue Errors => Available(_errors);

    /// <summary>Npgsql connection string of the database, as its superuser.</summary>
    public string Database => Available(_database);

    /// <summary>The same, as the Api connects.</summary>
    public string ApiDatabase => AppProcesses.As("ticketapp", Database);

    /// <summary>AMQP URI of the broker, as a user who may do everything.</summary>
    public Uri Broker => Available(_broker);

    /// <summary>The same, as the Api connects.</summary>
    public Uri ApiBroker => AppProcesses.As("ticketapp", Broker);

    /// <summary>The same, as workers connect.</summary>
    public Uri WorkerBroker => AppProcesses.As("worker", Broker);

    /// <summary>The last that its processes wrote.</summary>
    public IEnumerable<string> Output => _processes.SelectMany(process =>
        process.Output.TakeLast(MaxLines).Select(line => $"[{process.Name}] {line}"));

    /// <summary>Servers, then replicas of services.</summary>
    private protected IReadOnlyList<ChildProcess> Processes => _processes;

    protected virtual IReadOnlyDictionary<string, string> ApiSettings { get; } = new Dictionary<string, string>();

    protected virtual IReadOnlyDictionary<string, string> WorkerSettings { get; } = new Dictionary<string, string>();

    protected virtual int ApiReplicas => 1;

    /// <summary>Why it cannot be started here; null if it can.</summary>
    protected virtual string? Obstacle => AppAvailability.Obstacle;

    /// <summary>What differs in the broker's configuration, in its <c>advanced.config</c>.</summary>
    protected virtual string? BrokerConfiguration => null;

    /// <summary>Further virtual hosts of the broker, where the application has no part.</summary>
    protected virtual IReadOnlyList<string> VirtualHosts => [];

    /// <summary>What the services run on.</summary>
    /// <param name="Groups">The servers; those of a group start together, after those of the group before.</param>
    /// <param name="Database">Npgsql connection string of the database.</param>
    /// <param name="Broker">AMQP URI of the broker.</param>
    private protected sealed record Servers(IReadOnlyList<ChildProcess[]> Groups, string Database, Uri Broker);

    public async ValueTask InitializeAsync()
    {
        _obstacle = Obstacle;
        if (_obstacle is null)
        {
            await StartAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _api?.Dispose();
        foreach (var replica in _replicas ?? [])
        {
            replica.Dispose();
        }

        if (_errors is not null)
        {
            await _errors.DisposeAsync();
        }

        await Task.WhenAll(_processes.Select(process => process.DisposeAsync().AsTask()));
        _directory?.Delete(recursive: true);
    }

    /// <summary>Where a PostgreSQL of the tests will be, and its superuser.</summary>
    internal static NpgsqlConnectionStringBuilder NewDatabase() => new()
    {
        Host = "127.0.0.1",
        Port = AppProcesses.NextPort(),
        Username = "postgres",
        Password = Password,
        Database = "tickets",
    };

    /// <summary>Calls each replica of the API.</summary>
    public IReadOnlyList<HttpClient> Replicas => Available(_replicas);

    /// <summary>Calls one replica of the API.</summary>
    public HttpClient Replica(int number) => Available(_replicas)[number];

    /// <summary>The id of a new user.</summary>
    public async Task<string> CreateUserAsync()
    {
        using var response = await Api.PostAsync("/user", null, TestContext.Current.CancellationToken);
        return await FieldAsync(response, "user_id");
    }

    /// <summary>The id of a new ticket of that user.</summary>
    public async Task<string> CreateTicketAsync(string userId)
    {
        JsonObject body = new() { ["user_id"] = userId };
        using var response = await Api.PostAsJsonAsync("/ticket", body, TestContext.Current.CancellationToken);
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

    /// <summary>Runs <c>rabbitmqctl</c> in the environment of the broker, as in its container.</summary>
    internal async Task RabbitmqctlAsync(params string[] arguments)
    {
        _ = Broker;
        var id = Processes.Single(process => process.Name == "rabbitmq").Id.ToString(CultureInfo.InvariantCulture);
        var environment = (await File.ReadAllTextAsync($"/proc/{id}/environ", TestContext.Current.CancellationToken)).Split('\0')
            .Where(variable => variable.StartsWith("HOME=", StringComparison.Ordinal)
                || variable.StartsWith("ERL_EPMD_PORT=", StringComparison.Ordinal)
                || variable.StartsWith("RABBITMQ_NODENAME=", StringComparison.Ordinal));
        const string Find = "exec \"$(ls -d /usr/lib*/rabbitmq/lib/rabbitmq_server-*/sbin /opt/rabbitmq*/sbin 2>/dev/null"
            + " | sort -V | tail -n 1)/rabbitmqctl\" \"$@\"";
        var (exitCode, output, error) = await Publication.RunAsync(
            "env", [.. environment, "RABBITMQ_CONF_ENV_FILE=/dev/null", "sh", "-c", Find, "sh", .. arguments]);
        Assert.True(exitCode == 0, output + error);
    }

    /// <summary>The variables of a service.</summary>
    /// <param name="service"><see cref="ApiService"/> or <see cref="WorkerService"/>.</param>
    /// <param name="database">Npgsql connection string of the database, as its superuser.</param>
    /// <param name="broker">AMQP URI of the broker, as a user who may do everything.</param>
    protected virtual IReadOnlyDictionary<string, string> EnvironmentOf(string service, string database, Uri broker)
    {
        Dictionary<string, string> environment = new()
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ConnectionStrings__rabbitmq"] = AppProcesses.As(service == ApiService ? "ticketapp" : "worker", broker).ToString(),
        };
        if (service == ApiService)
        {
            environment["ConnectionStrings__tickets"] = AppProcesses.As("ticketapp", database);
        }

        foreach (var (name, value) in service == ApiService ? ApiSettings : WorkerSettings)
        {
            environment[name] = value;
        }

        return environment;
    }

    /// <summary>Starts some of its processes; if one does not start, what all of them wrote is told.</summary>
    private protected async Task StartAsync(IEnumerable<ChildProcess> processes)
    {
        try
        {
            await Task.WhenAll(processes.Select(process => process.StartAsync()));
        }
        catch (Exception e) when (e is TimeoutException or InvalidOperationException)
        {
            throw new InvalidOperationException($"{e.Message}\n{string.Join('\n', Output)}", e);
        }
    }

    /// <summary>Starts a further process, which ends with the others.</summary>
    private protected Task AddAsync(ChildProcess process)
    {
        _processes.Add(process);
        return StartAsync([process]);
    }

    private protected virtual Servers CreateServers(string directory)
    {
        var database = NewDatabase();
        Uri broker = new($"amqp://tests:{Password}@127.0.0.1:{AppProcesses.NextPort().ToString(CultureInfo.InvariantCulture)}");
        var rabbitmq = AppProcesses.RabbitMq(directory, broker, configuration: BrokerConfiguration, virtualHosts: VirtualHosts);
        return new([[AppProcesses.Postgres(directory, database), rabbitmq]], database.ConnectionString, broker);
    }

    /// <summary>A replica of a service.</summary>
    private protected virtual ChildProcess CreateService(
        string service, string name, string project, int port, IReadOnlyDictionary<string, string> environment) =>
        AppProcesses.Service(name, project, port, environment);

    /// <summary>Called when the servers run, before the services do.</summary>
    protected virtual Task PrepareServersAsync(string database, Uri broker) => Task.CompletedTask;

    /// <summary>Called when everything runs, before the first test.</summary>
    protected virtual Task PrepareAsync(string database) => Task.CompletedTask;

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
            AppAvailability.Refuse(_obstacle ?? "The application did not start.");
        }

        return value;
    }

    private async Task StartAsync()
    {
        _directory = AppProcesses.CreateDirectory();
        var (groups, database, broker) = CreateServers(_directory.FullName);
        _processes.AddRange(groups.SelectMany(group => group));
        try
        {
            foreach (var group in groups)
            {
                await StartAsync(group);
            }
        }
        catch (InvalidOperationException) when (MissingServer() is { } missing)
        {
            _obstacle = missing;
            return;
        }

        await PrepareServersAsync(database, broker);
        int[] ports = [.. Enumerable.Range(0, ApiReplicas).Select(_ => AppProcesses.NextPort())];
        ChildProcess[] services =
        [
            .. ports.Select((port, i) => Service(ApiService, "TicketApp.Api", i, port)),
            .. Enumerable.Range(0, WorkerReplicas).Select(i => Service(WorkerService, "TicketApp.Worker", i, AppProcesses.NextPort())),
        ];
        _processes.AddRange(services);
        await StartAsync(services);
        _errors = await ErrorsQueue.OpenAsync(broker, TestContext.Current.CancellationToken);
        await PrepareAsync(database);
        (_database, _broker) = (database, broker);
        _replicas = [.. ports.Select(port => AppProcesses.Client([port]))];
        _api = AppProcesses.Client(ports);

        ChildProcess Service(string name, string project, int replica, int port) => CreateService(
            name, $"{name}-{(replica + 1).ToString(CultureInfo.InvariantCulture)}", project, port, EnvironmentOf(name, database, broker));
    }

    /// <summary>What a script said of a server that this machine does not have.</summary>
    private string? MissingServer() => _processes
        .SelectMany(server => server.Output)
        .FirstOrDefault(line => line.Contains("is not installed", StringComparison.Ordinal));
}

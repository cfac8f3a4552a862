using System.Diagnostics;
using System.Globalization;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// The published application with two replicas of the Api behind a gateway. They are replaced as Kubernetes does it: a new one is ready
/// before an old one goes, an old one serves for its <c>preStop</c> pause and has its grace period to stop in.
/// </summary>
public sealed class RehearsalApp : PublishedAppFixture
{
    /// <summary>
    /// The root of a clone with the previous build, set where the rehearsal is to be one of an update; without it, both builds are this.
    /// </summary>
    private const string PreviousVariable = "TICKETAPP_PREVIOUS";

    private readonly List<Pod> _running = [];
    private Dictionary<string, string> _secrets = [];
    private Gateway? _gateway;

    /// <summary>The root of what is replaced.</summary>
    public static string Previous =>
        Environment.GetEnvironmentVariable(PreviousVariable) is { Length: > 0 } root ? root : Repository.Root;

    /// <summary>Callers' address.</summary>
    public Uri Address => _gateway!.Address;

    public string CurrentAdminKey => _secrets["admin_key"];

    protected override int ApiReplicas => 2;

    public async Task StartAsync()
    {
        _gateway = await Gateway.StartAsync();
        await InitializeAsync();
        foreach (var replica in _running.Where(replica => replica.Service == ApiService))
        {
            _gateway.Add(replica.Port);
        }
    }

    public async Task StopAsync()
    {
        await DisposeAsync();
        await _gateway!.DisposeAsync();
    }

    /// <summary>Replaces all replicas of all services by those of another build.</summary>
    public async Task RollAsync(string root)
    {
        await RollAsync(ApiService, root);
        await RollAsync(WorkerService, root);
    }

    /// <summary>As deploy/README.md rotates: the servers first, then the values, which replace the pods.</summary>
    public async Task RotateAsync()
    {
        _secrets = _secrets.ToDictionary(
            secret => secret.Key, secret => secret.Key == "webhook_secret_key" ? secret.Value : $"{secret.Value}Rotated");
        await ExecuteAsync($"alter role ticketapp password '{_secrets["tickets_password"]}'");
        await RabbitmqctlAsync("change_password", "ticketapp", _secrets["rabbitmq_password"]);
        await RabbitmqctlAsync("change_password", "worker", _secrets["rabbitmq_worker_password"]);
        await RollAsync(Repository.Root);
    }

    /// <summary>What <c>kubectl scale deployment/api-deployment --replicas=0</c> does.</summary>
    public async Task StopApiAsync()
    {
        foreach (var replica in _running.Where(replica => replica.Service == ApiService))
        {
            Assert.Equal(0, await replica.Process.StopAsync());
        }
    }

    public Task StartApiAsync() =>
        StartAsync(_running.Where(replica => replica.Service == ApiService).Select(replica => replica.Process));

    /// <summary>Runs a program of PostgreSQL as its superuser.</summary>
    public async Task PostgresAsync(string program, params string[] arguments)
    {
        NpgsqlConnectionStringBuilder server = new(Database);
        var (exitCode, output, error) = await Publication.RunAsync(
            "env",
            [
                $"PGPASSWORD={server.Password}", program, "-h", server.Host!, "-p", server.Port.ToString(CultureInfo.InvariantCulture),
                "-U", server.Username!, .. arguments,
            ]);
        Assert.True(exitCode == 0, $"{program}: {output}{error}");
    }

    protected override IReadOnlyDictionary<string, string> EnvironmentOf(string service, string database, Uri broker)
    {
        if (_secrets.Count == 0)
        {
            _secrets = SecretsOf(database, broker);
        }

        return new Dictionary<string, string>(EnvironmentOf(service, database, broker, _secrets))
        {
            // Some waits are longer than the pause before a replica stops, and many are not.
            ["Simulator__MaxDuration"] = "00:00:08",
        };
    }

    private protected override ChildProcess CreateService(
        string service, string name, string project, int port, IReadOnlyDictionary<string, string> environment)
    {
        var process = CreateService(service, name, port, environment, Repository.OutputOf(project, Previous));
        _running.Add(new(service, project, process, port));
        return process;
    }

    private async Task RollAsync(string service, string root)
    {
        var (pause, grace) = (WorkloadOf(service).Pause, WorkloadOf(service).Grace);
        foreach (var old in _running.Where(replica => replica.Service == service).ToArray())
        {
            var port = AppProcesses.NextPort();
            var name = string.Create(CultureInfo.InvariantCulture, $"{service}-{port}");
            var process = CreateService(
                service, name, port, EnvironmentOf(service, Database, Broker), Repository.OutputOf(old.Project, root));
            await AddAsync(process);
            _running.Add(new(service, old.Project, process, port));
            if (service == ApiService)
            {
                _gateway!.Add(port);
                // Those who route hear of it while the pod pauses.
                await PassAsync(pause / 2);
                _gateway.Remove(old.Port);
                await PassAsync(pause / 2);
            }

            var begin = Stopwatch.GetTimestamp();
            Assert.Equal(0, await old.Process.StopAsync());
            Assert.True(Stopwatch.GetElapsedTime(begin) < grace - pause, $"{old.Process.Name} took longer than its grace period");
            _running.Remove(old);
        }
    }

    private static async Task PassAsync(TimeSpan time)
    {
        using PeriodicTimer timer = new(time);
        await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var server = NpgsqlDataSource.Create(Database);
        await using var command = server.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private sealed record Pod(string Service, string Project, ChildProcess Process, int Port);
}

using System.Globalization;
using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Processes;

/// <summary>Starts TicketApp from its build output, as a deployment would: only the environment says what is where.</summary>
/// <param name="servers">What it runs on.</param>
/// <param name="options">Which build of which repository.</param>
internal sealed class TicketAppStarter(BenchServers servers, BenchOptions options) : ISystemStarter
{
    public const string DatabaseName = "bench_ticketapp";

    /// <summary>A setting that is put behind the connection string, for variants of it.</summary>
    public const string DatabaseSuffix = "DATABASE";

    /// <summary>A setting that names another checkout, whose build is run instead of this one's.</summary>
    public const string Checkout = "CHECKOUT";

    /// <summary>A setting that says whether the native programs are run, whatever <see cref="BenchOptions.Native"/> says.</summary>
    public const string Native = "NATIVE";

    /// <summary>A setting that says how many Api replicas run, each with its callers.</summary>
    public const string Replicas = "REPLICAS";

    private static readonly string[] _queues = ["tickets", "responses", "errors"];

    public string Name => "TicketApp";

    public async Task<SystemUnderTest> StartAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken) =>
        await StartAsync(await PrepareAsync(cancellationToken), settings, cancellationToken);

    /// <summary>Makes an empty database for it.</summary>
    /// <returns>The connection string.</returns>
    public Task<string> PrepareAsync(CancellationToken cancellationToken, string name = DatabaseName) =>
        servers.CreateDatabaseAsync(name, cancellationToken);

    /// <summary>Starts it on a database as it is, with empty queues.</summary>
    public async Task<SystemUnderTest> StartAsync(
        string database, IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        await servers.PurgeAsync(_queues, cancellationToken);
        List<(ChildProcess Process, Uri Address, TimeSpan Start)> replicas = [];
        for (var number = 1; number <= int.Parse(settings.GetValueOrDefault(Replicas, "1"), CultureInfo.InvariantCulture); number++)
        {
            replicas.Add(await StartAsync($"api-{number}", "TicketApp.Api", database, settings, cancellationToken));
        }

        var (worker, _, workerStart) = await StartAsync("worker", "TicketApp.Worker", null, settings, cancellationToken);
        return new(
            Name, [.. replicas.Select(replica => replica.Address)], database, [.. replicas.Select(replica => replica.Process)], worker)
        {
            ApiStart = replicas[0].Start,
            WorkerStart = workerStart,
        };
    }

    private async Task<(ChildProcess Process, Uri Address, TimeSpan Start)> StartAsync(
        string name, string project, string? database, IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        Uri address = new($"http://127.0.0.1:{LoopbackPort.Free()}");
        Dictionary<string, string> environment = new(settings)
        {
            ["ASPNETCORE_URLS"] = address.ToString(),
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["Auth__Mode"] = settings.GetValueOrDefault("Auth__Mode", "open"),
            ["ConnectionStrings__rabbitmq"] = servers.AllBrokers,
            // The zero-length model, but where a command asks for another.
            ["Simulator__MinDuration"] = settings.GetValueOrDefault("Simulator__MinDuration", "00:00:00"),
            ["Simulator__MaxDuration"] = settings.GetValueOrDefault("Simulator__MaxDuration", "00:00:00"),
        };
        if (database is not null)
        {
            environment["ConnectionStrings__tickets"] = servers.AtAllServers(database)
                + settings.GetValueOrDefault(DatabaseSuffix, "").Replace(',', ';');
        }

        var process = ChildProcess.Start($"ticketapp-{name}", ProgramOf(project, settings), [], environment);
        return (process, address, await HealthGate.WaitAsync(process, new Uri(address, "/health"), cancellationToken));
    }

    private string ProgramOf(string project, IReadOnlyDictionary<string, string> settings)
    {
        var output = Path.Combine(settings.GetValueOrDefault(Checkout, options.RepositoryRoot), project, "bin");
        return bool.Parse(settings.GetValueOrDefault(Native, options.Native.ToString()))
            ? Path.Combine(output, "native", project)
            : Path.Combine(output, options.Configuration, "net10.0", project + ".dll");
    }
}

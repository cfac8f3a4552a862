using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Processes;

/// <summary>Starts TicketApp from its build output, as a deployment would: only the environment says what is where.</summary>
internal sealed class TicketAppStarter(BenchServers servers, string root, string configuration) : ISystemStarter
{
    public const string DatabaseName = "bench_ticketapp";

    private static readonly string[] Queues = ["tickets", "responses", "errors"];

    public string Name => "TicketApp";

    public async Task<SystemUnderTest> StartAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        var database = await servers.CreateDatabaseAsync(DatabaseName, cancellationToken);
        await servers.PurgeAsync(Queues, cancellationToken);
        var (api, address) = await StartAsync("api", "TicketApp.Api", database, settings, cancellationToken);
        var (worker, _) = await StartAsync("worker", "TicketApp.Worker", null, settings, cancellationToken);
        return new(Name, address, database, api, worker);
    }

    private async Task<(ChildProcess Process, Uri Address)> StartAsync(
        string name, string project, string? database, IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        Uri address = new($"http://127.0.0.1:{LoopbackPort.Free()}");
        Dictionary<string, string> environment = new(settings)
        {
            ["ASPNETCORE_URLS"] = address.ToString(),
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["ConnectionStrings__rabbitmq"] = servers.Broker.ToString(),
            // The zero-length model, but where a command asks for another.
            ["Simulator__Min"] = settings.GetValueOrDefault("Simulator__Min", "00:00:00"),
            ["Simulator__Max"] = settings.GetValueOrDefault("Simulator__Max", "00:00:00"),
        };
        if (database is not null)
        {
            environment["ConnectionStrings__tickets"] = database;
        }

        var assembly = Path.Combine(root, project, "bin", configuration, "net10.0", project + ".dll");
        var process = ChildProcess.Start($"ticketapp-{name}", assembly, [], environment);
        await HealthGate.WaitAsync(process, new Uri(address, "/health"), cancellationToken);
        return (process, address);
    }
}

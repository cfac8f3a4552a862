using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Processes;

/// <summary>Starts the baseline on MassTransit and EF Core.</summary>
internal sealed class MassTransitStarter(BenchServers servers, string root, string configuration) : ISystemStarter
{
    private static readonly string[] _queues = ["masstransit-tickets", "masstransit-responses"];

    public string Name => "MassTransit";

    public async Task<SystemUnderTest> StartAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        var database = await servers.CreateDatabaseAsync("bench_masstransit", cancellationToken);
        await servers.PurgeAsync(_queues, cancellationToken);
        var (api, address) = await StartAsync("api", database, settings, cancellationToken);
        var (worker, _) = await StartAsync("worker", database, settings, cancellationToken);
        return new(Name, address, database, api, worker);
    }

    private async Task<(ChildProcess Process, Uri Address)> StartAsync(
        string role, string database, IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        Uri address = new($"http://127.0.0.1:{LoopbackPort.Free()}");
        Dictionary<string, string> environment = new(settings)
        {
            ["ASPNETCORE_URLS"] = address.ToString(),
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["ConnectionStrings__rabbitmq"] = servers.Broker.ToString(),
            ["ConnectionStrings__tickets"] = database,
        };
        var assembly = Path.Combine(root, "bench", "MassTransitBaseline", "bin", configuration, "net10.0", "MassTransitBaseline.dll");
        var process = ChildProcess.Start($"masstransit-{role}", assembly, [role], environment);
        await HealthGate.WaitAsync(process, new Uri(address, "/health"), cancellationToken);
        return (process, address);
    }
}

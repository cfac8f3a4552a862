using TicketApp.Bench.Servers;

namespace TicketApp.Bench.Processes;

/// <summary>Starts a system that TicketApp is compared with: one program, <c>bench/&lt;Name&gt;Baseline</c>, in two roles.</summary>
/// <param name="name">As in the tables.</param>
/// <param name="key">In the names of its queues, its database and its logs.</param>
/// <param name="servers">What it runs on.</param>
/// <param name="options">Which build of which repository.</param>
internal sealed class BaselineStarter(string name, string key, BenchServers servers, BenchOptions options) : ISystemStarter
{
    public string Name => name;

    public async Task<SystemUnderTest> StartAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        var database = await servers.CreateDatabaseAsync($"bench_{key}", cancellationToken);
        await servers.PurgeAsync([$"{key}-tickets", $"{key}-responses"], cancellationToken);
        var (api, address) = await StartAsync("api", database, settings, cancellationToken);
        var (worker, _) = await StartAsync("worker", database, settings, cancellationToken);
        return new(Name, [address], database, [api], worker);
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
        var project = $"{name}Baseline";
        var assembly = Path.Combine(options.RepositoryRoot, "bench", project, "bin", options.Configuration, "net10.0", project + ".dll");
        var process = ChildProcess.Start($"{key}-{role}", assembly, [role], environment);
        await HealthGate.WaitAsync(process, new Uri(address, "/health"), cancellationToken);
        return (process, address);
    }
}

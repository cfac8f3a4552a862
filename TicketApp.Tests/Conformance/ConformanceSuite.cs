using System.Collections.Concurrent;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Conformance;

/// <summary>The workers that are tested, each started when the first test asks for it, and again after one that ended it.</summary>
public sealed class ConformanceSuite : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, TestedWorker> _workers = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers.Values)
        {
            await worker.DisposeAsync();
        }
    }

    /// <summary>A worker that runs.</summary>
    internal async Task<TestedWorker> StartAsync(FaultApp app, ConformanceWorker worker)
    {
        if (!_workers.TryGetValue(worker.Name, out var tested))
        {
            ConformanceBroker broker = new(On(app.Broker));
            await broker.StartAsync();
            _workers[worker.Name] = tested = new(broker, worker, On(app.WorkerBroker));
        }

        await tested.StartAsync();
        return tested;

        Uri On(Uri server) => new UriBuilder(server) { Path = worker.VirtualHost }.Uri;
    }
}

/// <summary>A worker that is tested, and the broker that only it is connected to.</summary>
internal sealed class TestedWorker : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private HashSet<string> _known = [];

    public TestedWorker(ConformanceBroker broker, ConformanceWorker worker, Uri address)
    {
        Broker = broker;
        _process = new(worker.Name, worker.Command, ConformanceWorker.Settings(address), () =>
            Task.FromResult(Instances(told => told.Json.GetProperty("models").GetArrayLength() > 0).Except(_known).Any()));
    }

    public ConformanceBroker Broker { get; }

    /// <summary>The name of its instance, another one for each start.</summary>
    public string Instance => Instances(_ => true).Except(_known).Single();

    /// <summary>Starts it if it does not run.</summary>
    public async Task StartAsync()
    {
        if (!_process.IsRunning)
        {
            _known = [.. Instances(_ => true)];
            try
            {
                await _process.StartAsync();
            }
            catch (InvalidOperationException exception)
            {
                throw new InvalidOperationException($"{exception.Message}\n{string.Join('\n', _process.Output.TakeLast(20))}", exception);
            }
        }
    }

    /// <summary>Asks it to stop.</summary>
    /// <returns>Its exit code.</returns>
    public Task<int> StopAsync() => _process.StopAsync();

    public Task KillAsync() => _process.KillAsync();

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        await Broker.DisposeAsync();
    }

    private IEnumerable<string> Instances(Func<Told, bool> isWanted) =>
        Broker.All.Where(told => told.Type == "heartbeat" && isWanted(told)).Select(told => told.Text("worker")!).Distinct();
}

using TicketApp.Tests.Conformance;

namespace TicketApp.Tests.Fixtures;

/// <summary>
/// The application with two Api replicas and short leases, and with the means to harm it: signals to
/// its processes and starts of what ended.
/// </summary>
public class FaultApp : RunningApp
{
    protected override IReadOnlyDictionary<string, string> ApiSettings { get; } = new Dictionary<string, string>
    {
        ["Dispatch__LeaseDuration"] = "00:00:20",
        // Losing a worker is charged; a test that kills many means to see every ticket answered anyway.
        ["Tickets__MaxAttempts"] = "20",
    };

    protected override IReadOnlyDictionary<string, string> WorkerSettings { get; } = new Dictionary<string, string>
    {
        ["Simulator__MinDuration"] = "00:00:00",
        ["Simulator__MaxDuration"] = "00:00:00.800",
        ["Worker__DrainTimeout"] = "00:00:02",
    };

    protected override int ApiReplicas => 2;

    /// <summary>
    /// The shortest time that a message may stay unacknowledged, looked at every second; RabbitMQ's own
    /// defaults are half an hour and a minute.
    /// </summary>
    protected override string BrokerConfiguration =>
        $"[{{rabbit, [{{consumer_timeout, {(int)ConsumerTimeout.TotalMilliseconds}}}, {{channel_tick_interval, 1000}}]}}].";

    protected override IReadOnlyList<string> VirtualHosts => [.. ConformanceWorker.All.Select(worker => worker.VirtualHost)];

    /// <summary>How long a message may stay unacknowledged before the broker ends its consumer.</summary>
    public static TimeSpan ConsumerTimeout { get; } = TimeSpan.FromSeconds(10);

    /// <summary>The names of the running instances of a server or service.</summary>
    public IReadOnlyList<string> InstancesOf(string resource) =>
        [.. Processes.Where(process => process.IsRunning && process.Name.Split('-')[0] == resource).Select(process => process.Name)];

    /// <summary>Sends a signal, such as <c>STOP</c>, to the process of an instance.</summary>
    public Task SignalAsync(string instance, string signal) => ProcessOf(instance).SignalAsync(signal);

    /// <summary>Kills the process of an instance and returns once it has ended.</summary>
    public Task KillAsync(string instance) => ProcessOf(instance).KillAsync();

    /// <summary>
    /// Stops all processes of a server while <paramref name="meanwhile"/> runs, then lets them continue:
    /// its connections stay, and nobody answers.
    /// </summary>
    public async Task FreezeAsync(string instance, Func<Task> meanwhile)
    {
        await ProcessOf(instance).SignalAllAsync("STOP");
        try
        {
            await meanwhile();
        }
        finally
        {
            await ProcessOf(instance).SignalAllAsync("CONT");
        }
    }

    /// <summary>Asks an instance to stop and returns once it has.</summary>
    /// <returns>Its exit code.</returns>
    public Task<int> StopAsync(string instance) => ProcessOf(instance).StopAsync();

    /// <summary>Starts what ended, on the same ports and data, and returns once it is healthy.</summary>
    public Task StartAsync(string instance) => StartAsync([ProcessOf(instance)]);

    private ChildProcess ProcessOf(string instance) => Processes.Single(process => process.Name == instance);
}

[CollectionDefinition(Name)]
public sealed class FaultCollection : ICollectionFixture<FaultApp>
{
    public const string Name = "The application under faults";
}

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace TicketApp.Tests.Fixtures;

/// <summary>The application with two Api replicas and short leases, and with the means to harm it: signals to its processes and starts of what ended.</summary>
public sealed class FaultApp : RunningApp
{
    private static readonly TimeSpan _restartLimit = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<string, ResourceEvent> _instances = [];
    private readonly CancellationTokenSource _disposed = new();
    private Task _watching = Task.CompletedTask;

    protected override IReadOnlyDictionary<string, string> ApiSettings { get; } = new Dictionary<string, string>
    {
        ["Dispatch__Lease"] = "00:00:15",
        // Losing a worker is charged; a test that kills many means to see every ticket answered all the same.
        ["Tickets__MaxAttempts"] = "20",
    };

    protected override IReadOnlyDictionary<string, string> WorkerSettings { get; } = new Dictionary<string, string>
    {
        ["Simulator__Min"] = "00:00:00",
        ["Simulator__Max"] = "00:00:00.800",
    };

    protected override int ApiReplicas => 2;

    /// <summary>The ids of the running instances of a resource.</summary>
    public IReadOnlyList<string> InstancesOf(string resource) =>
        [.. _instances.Values.Where(instance => instance.Resource.Name == resource && ProcessIdOf(instance) is not null).Select(instance => instance.ResourceId).Order(StringComparer.Ordinal)];

    /// <summary>Sends a signal, such as <c>STOP</c>, to the process of an instance.</summary>
    public async Task SignalAsync(string instance, string signal)
    {
        var processId = ProcessIdOf(_instances[instance]) ?? throw new InvalidOperationException($"{instance} does not run.");
        using var kill = Process.Start("sh", ["-c", $"kill -s {signal} {processId}"]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Kills the process of an instance and returns once its end was noticed.</summary>
    public async Task KillAsync(string instance)
    {
        await SignalAsync(instance, "KILL");
        await Eventually.IsTrueAsync($"{instance} ended", _restartLimit, () => ProcessIdOf(_instances[instance]) is null);
    }

    /// <summary>Starts what ended, on the same ports and data, and returns once it is healthy.</summary>
    public async Task StartAsync(string instance)
    {
        var result = await App.ResourceCommands.ExecuteCommandAsync(instance, KnownResourceCommands.StartCommand, TestContext.Current.CancellationToken);
        Assert.True(result.Success, instance);
        await Eventually.IsTrueAsync(
            $"{instance} healthy",
            _restartLimit,
            () => _instances[instance].Snapshot.HealthStatus == Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy);
    }

    protected override void OnBuilt(DistributedApplication app) => _watching = WatchAsync(app);

    protected override async ValueTask OnStoppingAsync()
    {
        await _disposed.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _disposed.Dispose();
    }

    private static int? ProcessIdOf(ResourceEvent instance) =>
        instance.Snapshot.State?.Text == KnownResourceStates.Running
        && instance.Snapshot.Properties.FirstOrDefault(property => property.Name == "executable.pid")?.Value is { } processId
            ? Convert.ToInt32(processId, CultureInfo.InvariantCulture)
            : null;

    private async Task WatchAsync(DistributedApplication app)
    {
        await foreach (var instance in app.ResourceNotifications.WatchAsync(_disposed.Token))
        {
            _instances[instance.ResourceId] = instance;
        }
    }
}

[CollectionDefinition(Name)]
public sealed class FaultCollection : ICollectionFixture<FaultApp>
{
    public const string Name = "The application under faults";
}

using System.ComponentModel;
using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;

namespace Aspire.Hosting.Running;

/// <summary>The life of an instance that is a process.</summary>
internal abstract class ProcessInstance(IResource resource, string id, IReadOnlyDictionary<string, int> ports, InstanceServices services)
    : ResourceInstance(resource, id, ports), IDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private CancellationTokenSource _starting = new();
    private GuardedProcess? _process;
    private Task _watching = Task.CompletedTask;
    private bool _isStopping;

    protected InstanceServices Services { get; } = services;

    /// <summary>How long a stop may take before the process is killed.</summary>
    protected abstract TimeSpan StopGrace { get; }

    /// <summary>The state after the process has ended.</summary>
    protected abstract string EndState { get; }

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_process is { Exited.IsCompleted: false })
            {
                return;
            }

            await _watching;
            using var starting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            _starting = starting;
            await StartProcessAsync(starting.Token);
        }
        finally
        {
            _gate.Release();
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        CancelStart();
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_process is not { Exited.IsCompleted: false } process)
            {
                return;
            }

            _isStopping = true;
            await PublishAsync(snapshot => snapshot with { State = KnownResourceStates.Stopping });
            await process.StopAsync(StopGrace);
            await _watching;
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose()
    {
        ReleasePorts();
        _gate.Dispose();
        _starting.Dispose();
    }

    protected abstract Task<GuardedProcess> LaunchAsync(Action<string, bool> onLine, CancellationToken cancellationToken);

    protected virtual Task OnEndedAsync() => Task.CompletedTask;

    protected void Log(string line, bool isError) => Services.Loggers.Append(DisplayName, line, isError);

    /// <summary>Says what the process gets besides what it inherits.</summary>
    protected Task PublishEnvironmentAsync(IEnumerable<KeyValuePair<string, string>> variables) => PublishAsync(snapshot => snapshot with
    {
        EnvironmentVariables = [.. variables.Select(variable => new EnvironmentVariableSnapshot(variable.Key, variable.Value, IsFromSpec: true))],
    });

    private void ReleasePorts()
    {
        foreach (var port in Ports.Values)
        {
            LoopbackPort.Release(port);
        }
    }

    private void CancelStart()
    {
        try
        {
            _starting.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The start is over.
        }
    }

    private async Task StartProcessAsync(CancellationToken cancellationToken)
    {
        _isStopping = false;
        try
        {
            await PublishAsync(snapshot => snapshot with
            {
                State = Resource.HasAnnotationOfType<WaitAnnotation>() ? KnownResourceStates.Waiting : KnownResourceStates.Starting,
                HealthReports = ResourceHealth.Unknown(Resource),
                IsReady = false,
                ExitCode = null,
                StopTimeStamp = null,
            });
            await Services.Notifications.WaitForDependenciesAsync(Resource, cancellationToken);
            await PublishAsync(snapshot => snapshot with { State = KnownResourceStates.Starting });

            ReleasePorts();
            _process = await LaunchAsync(Log, cancellationToken);
            var processId = await _process.Started;
            await PublishAsync(snapshot => snapshot with
            {
                State = KnownResourceStates.Running,
                StartTimeStamp = DateTime.UtcNow,
                Properties = [new ResourcePropertySnapshot("executable.pid", processId)],
            });
            _watching = WatchAsync(_process);
        }
        catch (OperationCanceledException)
        {
            await PublishAsync(snapshot => snapshot with { State = EndState });
            throw;
        }
        catch (Exception e) when (e is DistributedApplicationException or IOException or UnauthorizedAccessException or Win32Exception)
        {
            Log(e.Message, isError: true);
            await PublishAsync(snapshot => snapshot with { State = KnownResourceStates.FailedToStart, StopTimeStamp = DateTime.UtcNow });
            throw e as DistributedApplicationException ?? new DistributedApplicationException(e.Message, e);
        }
    }

    private async Task WatchAsync(GuardedProcess process)
    {
        using var running = new CancellationTokenSource();
        var monitoring = Services.Health.MonitorAsync(this, running.Token);
        var exitCode = await process.Exited;
        await running.CancelAsync();
        await monitoring;
        await OnEndedAsync();
        if (!_isStopping)
        {
            var cause = exitCode > 128 ? string.Create(CultureInfo.InvariantCulture, $" (killed by signal {exitCode - 128})") : "";
            Log(string.Create(CultureInfo.InvariantCulture, $"Ended by itself with exit code {exitCode}{cause}. It is not started again by itself."), isError: true);
        }

        await process.DisposeAsync();
        await PublishAsync(snapshot => snapshot with { State = EndState, ExitCode = exitCode, StopTimeStamp = DateTime.UtcNow });
    }

    private Task PublishAsync(Func<CustomResourceSnapshot, CustomResourceSnapshot> update) =>
        Services.Notifications.PublishUpdateAsync(Resource, Id, update);
}

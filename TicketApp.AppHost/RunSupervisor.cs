using System.Text.RegularExpressions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TicketApp.AppHost.Servers;

namespace TicketApp.AppHost;

/// <summary>
/// Says on the console what fails, with its last words: Aspire shows that in the dashboard only. The exit code is 1 while
/// something has failed.
/// </summary>
internal sealed partial class RunSupervisor(
    ResourceNotificationService notifications,
    ResourceLoggerService logs,
    IHostApplicationLifetime lifetime,
    ILogger<RunSupervisor> logger) : BackgroundService
{
    // Longer than any server takes on a machine that has time for it.
    private static readonly TimeSpan _maxUnhealthy = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _checkInterval = TimeSpan.FromSeconds(2);

    /// <summary>What PostgreSQL (as SQLSTATE) and RabbitMQ say to a wrong password.</summary>
    private static readonly string[] _refusals = ["28P01", "ACCESS_REFUSED"];

    private static readonly string[] _noise = ["   at ", "[sys] ", "--- End of "];

    private readonly Lock _lock = new();
    private readonly Dictionary<string, ResourceEvent> _latest = [];
    private readonly Dictionary<string, long> _unhealthySince = [];
    private readonly HashSet<string> _failed = [];
    private readonly HashSet<string> _wasHealthy = [];

    /// <summary>Whether the orchestrator ended by itself: nobody is there to stop anything.</summary>
    public bool IsOrchestratorGone { get; private set; }

    /// <summary>The instances that run now.</summary>
    public IReadOnlyList<ResourceEvent> Running
    {
        get
        {
            lock (_lock)
            {
                return [.. _latest.Values.Where(instance => instance.Snapshot.State?.Text == KnownResourceStates.Running)];
            }
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(
            WatchResourcesAsync(stoppingToken),
            WatchHealthAsync(stoppingToken),
            OperatingSystem.IsLinux() ? WatchOrchestratorAsync(stoppingToken) : Task.CompletedTask);

    private async Task WatchResourcesAsync(CancellationToken stoppingToken)
    {
        await foreach (var update in notifications.WatchAsync(stoppingToken))
        {
            if (update.Resource is not (ProjectResource or PythonWorker or NativeServer or ContainerResource
                or ExecutableResource { Name: "aspire-dashboard" }))
            {
                continue;
            }

            SayIfPasswordIsRefused(update);
            var state = update.Snapshot.State?.Text;
            var isHealthy = state == KnownResourceStates.Running && update.Snapshot.HealthStatus == HealthStatus.Healthy;
            string? before;
            lock (_lock)
            {
                before = _latest.GetValueOrDefault(update.ResourceId)?.Snapshot.State?.Text;
                _latest[update.ResourceId] = update;
                if (isHealthy || state != KnownResourceStates.Running)
                {
                    _unhealthySince.Remove(update.ResourceId);
                }
                else
                {
                    _unhealthySince.TryAdd(update.ResourceId, Environment.TickCount64);
                }
            }

            if (isHealthy)
            {
                SetFailed(update.ResourceId, false);
                _wasHealthy.Add(update.ResourceId);
            }
            else if (KnownResourceStates.TerminalStates.Contains(state) && before != state && before != KnownResourceStates.Stopping)
            {
                await FailedAsync(update, state!);
            }
        }
    }

    /// <summary>Names, once, what runs and does not get healthy.</summary>
    private async Task WatchHealthAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(_checkInterval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            ResourceEvent[] ailing;
            lock (_lock)
            {
                ailing =
                [
                    .. from since in _unhealthySince
                       where Environment.TickCount64 - since.Value > _maxUnhealthy.TotalMilliseconds
                       select _latest[since.Key],
                ];
                Array.ForEach(ailing, instance => _unhealthySince[instance.ResourceId] = long.MaxValue);
            }

            foreach (var instance in ailing)
            {
                SetFailed(instance.ResourceId, true);
                var reason = instance.Snapshot.HealthReports
                    .Select(report => report.ExceptionText ?? report.Description)
                    .FirstOrDefault(text => text is not null);
                var firstLine = reason?.Split('\n')[0].Trim() ?? "its health check does not say why";
                Log.Unhealthy(logger, instance.ResourceId, _maxUnhealthy.TotalSeconds, firstLine);
            }
        }
    }

    /// <summary>The orchestrator is two processes; without either, nothing is started, stopped or watched any more.</summary>
    private async Task WatchOrchestratorAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(_checkInterval);
        int[] known = [];
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            int[] now = [.. OrchestratorProcesses.Find()];
            // On a stop the host signals its end before it cancels this loop, and the orchestrator may be gone in between.
            if (known.Length > now.Length && !lifetime.ApplicationStopping.IsCancellationRequested)
            {
                IsOrchestratorGone = true;
                SetFailed("orchestrator", true);
                Log.OrchestratorEnded(logger);
                lifetime.StopApplication();
                return;
            }

            known = now;
        }
    }

    private void SetFailed(string resourceId, bool hasFailed)
    {
        lock (_lock)
        {
            if (hasFailed ? _failed.Add(resourceId) : _failed.Remove(resourceId))
            {
                Environment.ExitCode = _failed.Count > 0 ? 1 : 0;
            }
        }
    }

    /// <summary>Whether a server's health check could not log in.</summary>
    internal static bool IsPasswordRefused(IEnumerable<HealthReportSnapshot> reports) =>
        reports.Any(report =>
            Array.Exists(_refusals, refusal => report.ExceptionText?.Contains(refusal, StringComparison.Ordinal) == true));

    /// <summary>A container takes the password that its volume was made with; the AppHost's is in user secrets, which get lost.</summary>
    private void SayIfPasswordIsRefused(ResourceEvent update)
    {
        if (update.Resource is ContainerResource
            && IsPasswordRefused(update.Snapshot.HealthReports) && !_failed.Contains(update.ResourceId))
        {
            SetFailed(update.ResourceId, true);
            var volume = update.Resource.Annotations.OfType<ContainerMountAnnotation>()
                .FirstOrDefault(mount => mount.Type == ContainerMountType.Volume)?.Source;
            Log.Refused(logger, update.Resource.Name, volume);
            Log.Refused(logs.GetLogger(update.Resource), update.Resource.Name, volume);
        }
    }

    private async Task FailedAsync(ResourceEvent update, string state)
    {
        SetFailed(update.ResourceId, true);
        Log.Failed(logger, update.ResourceId, state, update.Snapshot.ExitCode, await LastWordsAsync(update.ResourceId));
        if (update.Resource is NativeServer && !_wasHealthy.Contains(update.ResourceId))
        {
            // All else waits for it.
            lifetime.StopApplication();
        }
    }

    /// <summary>The last line that a process wrote, without stack traces and what the orchestrator adds.</summary>
    private async Task<string> LastWordsAsync(string resourceId)
    {
        var last = "The dashboard has its log.";
        try
        {
            await foreach (var lines in logs.GetAllAsync(resourceId))
            {
                last = lines.LastOrDefault(line => line.Content.Length > 0 && !IsNoise(line.Content)).Content ?? last;
                last = Decoration().Replace(last, "");
            }
        }
        catch (Exception e)
        {
            // A resource that starts again has no log for a moment, and an exception of its own for that.
            Log.NoLog(logger, e, resourceId);
        }

        return last;
    }

    private static bool IsNoise(string line) => _noise.Any(noise => line.Contains(noise, StringComparison.Ordinal));

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT[\d:.]+Z\s*|\e\[[0-9;]*m")]
    private static partial Regex Decoration();

    private static partial class Log
    {
        [LoggerMessage(EventId = 4, Level = LogLevel.Error, Message = "{Resource} has not been healthy for {Seconds:F0} s: {Reason}")]
        public static partial void Unhealthy(ILogger logger, string resource, double seconds, string reason);

        [LoggerMessage(EventId = 5, Level = LogLevel.Critical,
            Message = "Aspire's orchestrator ended, and with it all that it started. Start the application again")]
        public static partial void OrchestratorEnded(ILogger logger);

        [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "{Resource} ended: {State}, exit code {ExitCode}. {LastWords}")]
        public static partial void Failed(ILogger logger, string resource, string state, int? exitCode, string lastWords);

        [LoggerMessage(EventId = 3, Level = LogLevel.Error,
            Message = "{Resource} refuses the password: the volume {Volume} was made with another. "
                + "Set Parameters:{Resource}-password to that one, or lose the data: docker volume rm {Volume}")]
        public static partial void Refused(ILogger logger, string resource, string? volume);

        [LoggerMessage(EventId = 2, Level = LogLevel.Debug, Message = "{Resource} has no log")]
        public static partial void NoLog(ILogger logger, Exception exception, string resource);
    }
}

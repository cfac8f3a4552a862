using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TicketApp.AppHost.Servers;

namespace TicketApp.AppHost;

/// <summary>
/// Says on the console what fails, with its last words: Aspire shows that in the dashboard only. And stops services before the servers that they
/// use: the orchestrator signals all at once.
/// </summary>
internal sealed partial class RunSupervisor(
    ResourceNotificationService notifications,
    ResourceCommandService commands,
    ResourceLoggerService logs,
    IHostApplicationLifetime lifetime,
    ILogger<RunSupervisor> logger) : BackgroundService
{
    private static readonly TimeSpan _stopLimit = TimeSpan.FromSeconds(12);

    /// <summary>What PostgreSQL (as SQLSTATE) and RabbitMQ say to a wrong password.</summary>
    private static readonly string[] _refusals = ["28P01", "ACCESS_REFUSED"];

    private static readonly string[] _noise = ["   at ", "[sys] "];

    private readonly Dictionary<string, ResourceEvent> _latest = [];
    private readonly HashSet<string> _failed = [];
    private readonly HashSet<string> _wasHealthy = [];

    /// <summary>Called before the orchestrator's own stop, since services stop in the reverse order of their registration.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        Log.Stopping(logger);
        await base.StopAsync(cancellationToken);
        if (_failed.Count > 0)
        {
            Environment.ExitCode = 1;
        }

        await StopAllAsync(resource => resource is ProjectResource, cancellationToken);
        await StopAllAsync(resource => resource is NativeServer, cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var update in notifications.WatchAsync(stoppingToken))
        {
            if (update.Resource is not (ProjectResource or NativeServer or ContainerResource))
            {
                continue;
            }

            SayIfPasswordIsRefused(update);
            var before = _latest.GetValueOrDefault(update.ResourceId)?.Snapshot.State?.Text;
            _latest[update.ResourceId] = update;
            var state = update.Snapshot.State?.Text;
            if (state == KnownResourceStates.Running && update.Snapshot.HealthStatus == HealthStatus.Healthy)
            {
                _failed.Remove(update.ResourceId);
                _wasHealthy.Add(update.ResourceId);
            }
            else if (KnownResourceStates.TerminalStates.Contains(state) && before != state && before != KnownResourceStates.Stopping)
            {
                await FailedAsync(update, state!);
            }
        }
    }

    /// <summary>Whether a server's health check could not log in.</summary>
    internal static bool IsPasswordRefused(IEnumerable<HealthReportSnapshot> reports) =>
        reports.Any(report => Array.Exists(_refusals, refusal => report.ExceptionText?.Contains(refusal, StringComparison.Ordinal) == true));

    /// <summary>A container takes the password that its volume was made with, while the AppHost's is kept in user secrets, which get lost.</summary>
    private void SayIfPasswordIsRefused(ResourceEvent update)
    {
        if (update.Resource is ContainerResource && IsPasswordRefused(update.Snapshot.HealthReports) && _failed.Add(update.ResourceId))
        {
            var volume = update.Resource.Annotations.OfType<ContainerMountAnnotation>().FirstOrDefault(mount => mount.Type == ContainerMountType.Volume)?.Source;
            Log.Refused(logger, update.Resource.Name, volume);
            Log.Refused(logs.GetLogger(update.Resource), update.Resource.Name, volume);
        }
    }

    private async Task FailedAsync(ResourceEvent update, string state)
    {
        _failed.Add(update.ResourceId);
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
                last = lines.LastOrDefault(line => line.Content.Length > 0 && !_noise.Any(noise => line.Content.Contains(noise, StringComparison.Ordinal))).Content ?? last;
            }
        }
        catch (Exception e)
        {
            // A resource that starts again has no log for a moment, and an exception of its own for that.
            Log.NoLog(logger, e, resourceId);
        }

        return last;
    }

    private async Task StopAllAsync(Func<IResource, bool> isWanted, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_stopLimit);
        Task stops = Task.WhenAll(_latest.Values
            .Where(instance => isWanted(instance.Resource) && instance.Snapshot.State?.Text == KnownResourceStates.Running)
            .Select(instance => commands.ExecuteCommandAsync(instance.ResourceId, KnownResourceCommands.StopCommand, limit.Token)));
        await stops.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 4, Level = LogLevel.Information, Message = "Stopping: the services, then their servers")]
        public static partial void Stopping(ILogger logger);

        [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "{Resource} ended: {State}, exit code {ExitCode}. {LastWords}")]
        public static partial void Failed(ILogger logger, string resource, string state, int? exitCode, string lastWords);

        [LoggerMessage(EventId = 3, Level = LogLevel.Error, Message = "{Resource} refuses the password: the volume {Volume} was made with another. Set Parameters:{Resource}-password to that one, or lose the data: docker volume rm {Volume}")]
        public static partial void Refused(ILogger logger, string resource, string? volume);

        [LoggerMessage(EventId = 2, Level = LogLevel.Debug, Message = "{Resource} has no log")]
        public static partial void NoLog(ILogger logger, Exception exception, string resource);
    }
}

using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TicketApp.AppHost.Servers;

namespace TicketApp.AppHost;

/// <summary>
/// Stops services before the servers that they use: the orchestrator signals all at once. Registered last, since the host stops its
/// services in the reverse order. Every part of the stop has a limit, and so has the whole: Ctrl+C always ends the AppHost.
/// </summary>
internal sealed partial class OrderedStop(
    RunSupervisor supervisor,
    ResourceCommandService commands,
    IHostApplicationLifetime lifetime,
    ILogger<OrderedStop> logger) : IHostedService
{
    private static readonly TimeSpan _stopLimit = TimeSpan.FromSeconds(12);

    // Both parts, and the rest for the orchestrator, which gives six seconds to what it ends.
    private static readonly TimeSpan _wholeLimit = TimeSpan.FromSeconds(45);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(() => _ = EndAsync());
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (supervisor.IsOrchestratorGone)
        {
            return;
        }

        Log.Stopping(logger);
        await StopAllAsync(resource => resource is ProjectResource or PythonWorker, cancellationToken);
        await StopAllAsync(resource => resource is NativeServer, cancellationToken);
    }

    private async Task StopAllAsync(Func<IResource, bool> isWanted, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_stopLimit);
        Task stops = Task.WhenAll(supervisor.Running.Where(instance => isWanted(instance.Resource))
            .Select(instance => commands.ExecuteCommandAsync(instance.ResourceId, KnownResourceCommands.StopCommand, limit.Token)));
        // A command may wait longer than its token says.
        await stops.WaitAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>The last resort. The orchestrator sees that the AppHost is gone, and ends the rest.</summary>
    private async Task EndAsync()
    {
        await Task.Delay(_wholeLimit, lifetime.ApplicationStopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!lifetime.ApplicationStopped.IsCancellationRequested)
        {
            Log.Stuck(logger, _wholeLimit.TotalSeconds);
            Environment.Exit(1);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "Stopping: the services, then their servers")]
        public static partial void Stopping(ILogger logger);

        [LoggerMessage(EventId = 2, Level = LogLevel.Critical, Message = "The stop takes longer than {Seconds} s: the AppHost ends now")]
        public static partial void Stuck(ILogger logger, double seconds);
    }
}

/// <summary>The processes of the orchestrator of this AppHost, as <c>/proc</c> tells of them.</summary>
internal static class OrchestratorProcesses
{
    /// <summary>
    /// The one that the AppHost started, which has left it and names it in its command line, and the one that this started to do the work.
    /// </summary>
    public static IEnumerable<int> Find()
    {
        var (server, own) = (0, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        List<(int Id, string CommandLine)> processes = [.. All()];
        var monitor = $"start-apiserver\0--monitor\0{own}\0";
        foreach (var (id, _) in processes.Where(process => process.CommandLine.Contains(monitor, StringComparison.Ordinal)))
        {
            server = id;
            yield return id;
        }

        var controllers = processes.Where(process => server != 0
            && process.CommandLine.Contains("\0run-controllers\0", StringComparison.Ordinal)
            && ParentOf(process.Id) == server);
        foreach (var (id, _) in controllers)
        {
            yield return id;
        }
    }

    private static IEnumerable<(int Id, string CommandLine)> All() =>
        from directory in Directory.EnumerateDirectories("/proc")
        let id = int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var number) ? number : 0
        where id > 0
        select (id, Read(id, "cmdline"));

    private static int ParentOf(int id) =>
        Read(id, "stat") is { Length: > 0 } stat
            ? int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture)
            : 0;

    private static string Read(int id, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{id.ToString(CultureInfo.InvariantCulture)}/{file}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}

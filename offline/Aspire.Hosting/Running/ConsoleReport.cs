using System.Text;
using System.Text.RegularExpressions;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Running;

/// <summary>What a person sees: where the data is, a table of what runs, and the output of everything under its name.</summary>
internal sealed partial class ConsoleReport(
    ResourceLoggerService loggers,
    ResourceNotificationService notifications,
    InstanceRegistry instances,
    DistributedApplicationModel model,
    DataDirectories data,
    IHostEnvironment environment) : BackgroundService
{
    private static readonly int[] _colors = [36, 33, 35, 32, 34, 96, 93, 95];

    private readonly bool _hasColors = !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        loggers.LineLogged += WriteLine;
        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var states = new Dictionary<string, ResourceEvent>();
            var hasNotice = false;
            await foreach (var update in notifications.WatchAsync(stoppingToken))
            {
                states[update.ResourceId] = update;
                if (!hasNotice && instances.All.Count > 0 && instances.All.All(instance => states.ContainsKey(instance.Id)))
                {
                    hasNotice = true;
                    WriteNotice();
                    WriteTable(states);
                }

                if (hasNotice && instances.All.All(instance => ResourceNotificationService.IsHealthy(states[instance.Id])))
                {
                    WriteTable(states);
                    Console.WriteLine("Everything is running. Ctrl+C stops it.");
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped before everything was up.
        }
    }

    [GeneratedRegex(@"\e\[[0-9;]*[A-Za-z]")]
    private static partial Regex EscapeSequence();

    private static string Status(CustomResourceSnapshot snapshot) => snapshot switch
    {
        { State.Text: var state, HealthStatus: { } health } when state == KnownResourceStates.Running => health.ToString(),
        { State: { } state } => state.Text,
        _ => "",
    };

    private void WriteNotice()
    {
        var servers = model.Resources.SelectMany(resource => resource.Annotations.OfType<NativeServerAnnotation>()).Select(native => native.Server.Description);
        var hasVolumes = model.Resources.Any(resource => resource.HasAnnotationOfType<ContainerMountAnnotation>());
        Console.WriteLine($"{environment.ApplicationName} in offline mode: no containers, {string.Join(" and ", servers)} as native processes.");
        Console.WriteLine($"Data directory: {(hasVolumes && !data.IsEphemeral ? data.PersistentRoot : $"{data.TemporaryRoot} (temporary)")}");
    }

    private void WriteTable(Dictionary<string, ResourceEvent> states)
    {
        var rows = instances.All.Select(instance => (Name: instance.DisplayName, states[instance.Id].Snapshot)).ToArray();
        var width = rows.Max(row => row.Name.Length);
        var table = new StringBuilder().AppendLine().AppendLine($"{"RESOURCE".PadRight(width)}  STATE       URL");
        foreach (var (name, snapshot) in rows)
        {
            table.AppendLine($"{Colored(name, name.PadRight(width))}  {Status(snapshot),-10}  {string.Join(' ', snapshot.Urls.Where(url => !url.IsInternal).Select(url => url.Url))}");
        }

        Console.WriteLine(table);
    }

    private void WriteLine(string name, LogLine line) =>
        Console.WriteLine($"{Colored(name, $"[{name}]")} {(_hasColors ? line.Content : EscapeSequence().Replace(line.Content, ""))}");

    private string Colored(string name, string text) =>
        _hasColors ? $"\e[{_colors[name.Aggregate(0, (sum, c) => sum + c) % _colors.Length]}m{text}\e[0m" : text;
}

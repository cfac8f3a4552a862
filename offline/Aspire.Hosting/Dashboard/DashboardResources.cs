using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;
using Aspire.Hosting.Running;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Dashboard;

/// <summary>What the dashboard says of the resources, and does with them.</summary>
internal sealed class DashboardResources(
    DistributedApplicationModel model,
    InstanceRegistry instances,
    ResourceNotificationService notifications,
    ResourceCommandService commands,
    IServiceProvider services)
{
    private readonly SecretVariables _secrets = new(model);

    public IReadOnlyList<ResourceDocument> All() =>
        [.. instances.All.Select(instance => (instance, state: Snapshot(instance))).Where(pair => pair.state is not null).Select(pair => Describe(pair.instance, pair.state!))];

    public ResourceInstance? Find(string id) => instances.All.FirstOrDefault(instance => instance.Id == id);

    public IReadOnlyList<VariableDocument> Variables(ResourceInstance instance) =>
    [
        .. (Snapshot(instance)?.EnvironmentVariables ?? [])
            .OrderBy(variable => variable.Name, StringComparer.Ordinal)
            .Select(variable => _secrets.Include(variable) ? new VariableDocument(variable.Name, null, IsSecret: true) : new VariableDocument(variable.Name, variable.Value, IsSecret: false)),
    ];

    public VariableDocument? Reveal(ResourceInstance instance, string name) =>
        Snapshot(instance)?.EnvironmentVariables.FirstOrDefault(variable => variable.Name == name) is { } found
            ? new VariableDocument(found.Name, found.Value, _secrets.Include(found))
            : null;

    public async Task<CommandResultDocument> ExecuteAsync(ResourceInstance instance, string command, CancellationToken cancellationToken)
    {
        var result = await commands.ExecuteCommandAsync(instance.Id, command, cancellationToken);
        return new CommandResultDocument(result.Success, result.Message ?? result.Data?.Value);
    }

    private static IEnumerable<CommandDocument> LifecycleCommands(string? state)
    {
        var isUp = state == KnownResourceStates.Running || state == KnownResourceStates.Starting || state == KnownResourceStates.Waiting;
        var isDown = state is null || state == KnownResourceStates.NotStarted || KnownResourceStates.TerminalStates.Contains(state);
        yield return new CommandDocument(KnownResourceCommands.StartCommand, "Start", null, null, IsHighlighted: isDown, isDown);
        yield return new CommandDocument(KnownResourceCommands.StopCommand, "Stop", null, null, IsHighlighted: isUp, isUp);
        yield return new CommandDocument(KnownResourceCommands.RestartCommand, "Restart", null, null, IsHighlighted: isUp, state == KnownResourceStates.Running);
    }

    private static string SourceOf(IResource resource) =>
        resource.Annotations.OfType<IProjectMetadata>().FirstOrDefault() is { } project ? Path.GetFileName(project.ProjectPath)
        : resource.TryGetLastAnnotation<NativeServerAnnotation>(out var native) ? native.Server.Description
        : resource is IResourceWithParent child ? $"in {child.Parent.Name}"
        : "";

    private static string TypeOf(IResource resource) => resource switch
    {
        ProjectResource => "Project",
        ContainerResource => "Server",
        IResourceWithConnectionString => "Database",
        _ => resource.GetType().Name,
    };

    private static UrlDocument Describe(UrlSnapshot url) => new(
        url.DisplayProperties.DisplayName.Length > 0 ? url.DisplayProperties.DisplayName : url.Url,
        url.Url,
        url.Url.StartsWith("http", StringComparison.OrdinalIgnoreCase),
        url.IsInternal);

    private CustomResourceSnapshot? Snapshot(ResourceInstance instance) =>
        notifications.TryGetCurrentState(instance.Id, out var current) ? current.Snapshot : null;

    private ResourceDocument Describe(ResourceInstance instance, CustomResourceSnapshot snapshot)
    {
        var resource = instance.Resource;
        var state = snapshot.State?.Text;
        var processId = snapshot.Properties.FirstOrDefault(property => property.Name == "executable.pid")?.Value;
        return new ResourceDocument(
            instance.Id,
            resource.Name,
            instance.DisplayName,
            instance.Id.Length > resource.Name.Length ? instance.Id[(resource.Name.Length + 1)..] : "",
            TypeOf(resource),
            SourceOf(resource),
            state,
            state == KnownResourceStates.Running ? Describe(snapshot) : null,
            snapshot.StartTimeStamp,
            snapshot.StopTimeStamp,
            snapshot.ExitCode,
            processId is null ? null : Convert.ToInt32(processId, CultureInfo.InvariantCulture),
            [.. snapshot.Urls.Select(Describe)],
            [.. snapshot.HealthReports.Select(report => new HealthReportDocument(report.Name, report.Status?.ToString() ?? "Unknown", report.Description ?? report.ExceptionText))],
            [.. Commands(instance, snapshot)],
            [.. resource.Annotations.OfType<ResourceRelationshipAnnotation>().Where(relationship => relationship.Type == "Reference").Select(relationship => relationship.Resource.Name)]);
    }

    /// <summary>Healthy only once it is also ready, as for those who wait for it.</summary>
    private static string Describe(CustomResourceSnapshot snapshot) =>
        snapshot is { HealthStatus: HealthStatus.Healthy, IsReady: false } ? nameof(HealthStatus.Unhealthy) : $"{snapshot.HealthStatus}";

    private IEnumerable<CommandDocument> Commands(ResourceInstance instance, CustomResourceSnapshot snapshot)
    {
        var annotated = instance.Resource.Annotations.OfType<ResourceCommandAnnotation>()
            .Select(command => (command, state: command.UpdateState(new UpdateCommandStateContext { ResourceSnapshot = snapshot, Services = services })))
            .Where(pair => pair.state != ResourceCommandState.Hidden)
            .Select(pair => new CommandDocument(
                pair.command.Name,
                pair.command.DisplayName,
                pair.command.DisplayDescription,
                pair.command.ConfirmationMessage,
                pair.command.IsHighlighted,
                pair.state == ResourceCommandState.Enabled));
        return instance is ProcessInstance ? LifecycleCommands(snapshot.State?.Text).Concat(annotated) : annotated;
    }
}

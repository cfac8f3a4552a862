using System.Runtime.InteropServices;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;

namespace Aspire.Hosting.Running;

/// <summary>One replica of a project, run from its build output.</summary>
internal sealed class ProjectInstance(ProjectResource resource, string id, IReadOnlyDictionary<string, int> ports, InstanceServices services)
    : ProcessInstance(resource, id, ports, services)
{
    // The dotnet that runs this process, wherever it is installed and whether or not it is on the path.
    private static readonly string _dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));

    protected override TimeSpan StopGrace => TimeSpan.FromSeconds(60);

    protected override string EndState => KnownResourceStates.Finished;

    protected override async Task<GuardedProcess> LaunchAsync(Action<string, bool> onLine, CancellationToken cancellationToken)
    {
        var project = (ProjectResource)Resource;
        var projectPath = project.Annotations.OfType<IProjectMetadata>().Single().ProjectPath;
        var target = Services.AppHost.TargetPath(projectPath);
        var arguments = await ExecutionConfigurationBuilder.Create(project).WithArgumentsConfig()
            .BuildAsync(Services.ExecutionContext, cancellationToken: cancellationToken);
        var variables = await Services.ProjectEnvironment.BuildAsync(project, Id[(project.Name.Length + 1)..], Ports, cancellationToken);
        await PublishEnvironmentAsync(variables);
        var environment = ProjectEnvironment.Inherited();
        foreach (var (name, value) in variables)
        {
            environment[name] = value;
        }

        return GuardedProcess.Start(
            [_dotnet, target, .. arguments.Arguments.Select(argument => argument.Value)],
            "TERM",
            Path.GetDirectoryName(projectPath)!,
            environment,
            onLine);
    }
}

using System.Collections;
using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Running;

/// <summary>The variables of a project's process: the AppHost's own, over them the launch profile's, over them the model's.</summary>
internal sealed class ProjectEnvironment(DistributedApplicationExecutionContext executionContext, TelemetryEnvironment telemetry)
{
    private static readonly HashSet<string> _notInherited =
        ["ASPNETCORE_URLS", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT", "DOTNET_LAUNCH_PROFILE", "ASPIRE_LOG_LEVEL"];

    /// <summary>What the process gets from the AppHost's own environment.</summary>
    public static Dictionary<string, string> Inherited() =>
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Where(entry => !_notInherited.Contains((string)entry.Key))
            .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "");

    /// <summary>What it gets besides.</summary>
    public async Task<Dictionary<string, string>> BuildAsync(
        ProjectResource project,
        string instanceSuffix,
        IReadOnlyDictionary<string, int> ports,
        CancellationToken cancellationToken)
    {
        var variables = new Dictionary<string, string>();
        if (project.TryGetLastAnnotation<LaunchProfile>(out var profile))
        {
            variables["DOTNET_LAUNCH_PROFILE"] = profile.Name;
            foreach (var (name, value) in profile.EnvironmentVariables)
            {
                variables[name] = value;
            }
        }

        telemetry.Add(variables, project.Name, instanceSuffix);
        foreach (var (name, value) in await BuildModelAsync(project, executionContext, cancellationToken))
        {
            variables[name] = WithPorts(value, ports);
        }

        return variables;
    }

    public static async Task<IReadOnlyDictionary<string, string>> BuildModelAsync(
        IResource resource,
        DistributedApplicationExecutionContext executionContext,
        CancellationToken cancellationToken)
    {
        var configuration = await ExecutionConfigurationBuilder.Create(resource)
            .WithEnvironmentVariablesConfig()
            .BuildAsync(executionContext, cancellationToken: cancellationToken);
        return configuration.Exception is null ? new Dictionary<string, string>(configuration.EnvironmentVariables) : throw configuration.Exception;
    }

    private static string WithPorts(string value, IReadOnlyDictionary<string, int> ports)
    {
        foreach (var (endpoint, port) in ports)
        {
            value = value.Replace(EndpointAllocator.PortPlaceholder(endpoint), port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        }

        return value;
    }
}

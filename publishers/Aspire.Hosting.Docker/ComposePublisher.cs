using System.Globalization;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Docker.Resources;
using Aspire.Hosting.Docker.Resources.ComposeNodes;
using Aspire.Hosting.Docker.Resources.ServiceNodes;
using Aspire.Hosting.Pipelines;
using Aspire.Hosting.Publishers;

namespace Aspire.Hosting.Docker.Publishing;

/// <summary>Writes the model as docker-compose.yaml, and .env with the variables that it leaves to the site.</summary>
internal sealed class ComposePublisher(DockerComposeEnvironmentResource environment)
{
    private static readonly YamlText _yaml = new(JsonNamingPolicy.SnakeCaseLower, isPlain: _ => false);

    public async Task<Dictionary<string, string>> PublishAsync(PipelineStepContext context, string directory)
    {
        if (environment.DashboardEnabled)
        {
            throw new NotSupportedException(
                "This stand-in publishes no dashboard: build with -p:PublisherPackages=true where the feed has Aspire.Hosting.Docker.");
        }

        var network = new Network { Name = environment.DefaultNetworkName ?? "aspire", Driver = "bridge" };
        var compose = new ComposeFile().AddNetwork(network);
        var variables = new EnvFile();
        foreach (var target in context.Model.PublishedTo(environment))
        {
            var service = await ServiceAsync(target, new ComposeText(target, variables), variables, context);
            service.Networks = [network.Name];
            foreach (var volume in service.Volumes)
            {
                compose.Volumes[volume.Name] = new Volume { Name = volume.Name, Driver = "local" };
            }

            foreach (var customization in target.Annotations.OfType<DockerComposeServiceCustomizationAnnotation>())
            {
                customization.Configure(new DockerComposeServiceResource(target.Name, target, environment), service);
            }

            compose.Services[service.Name] = service;
        }

        environment.ConfigureComposeFile?.Invoke(compose);
        return new() { ["docker-compose.yaml"] = _yaml.Of(compose), [".env"] = variables.Text(Path.Combine(directory, ".env")) };
    }

    private static async Task<Service> ServiceAsync(IResource target, ComposeText text, EnvFile variables, PipelineStepContext context)
    {
        var service = new Service
        {
            Name = target.Name.ToLowerInvariant(),
            Image = target.TryGetContainerImageName(out var image)
                ? image
                : variables.Add($"{target.Name}_IMAGE", $"Container image name for {target.Name}"),
            ContainerName = target.Annotations.OfType<ContainerNameAnnotation>().LastOrDefault()?.Name,
            Command = [.. await text.ArgumentsAsync(context)],
            Environment = (await text.VariablesAsync(context)).ToDictionary(variable => variable.Key, variable => text.Of(variable.Value)),
        };
        foreach (var endpoint in target.ResolveEndpoints())
        {
            var port = text.PortOf(target, endpoint);
            var (list, entry) = (endpoint.Endpoint.IsExternal, endpoint.ExposedPort) switch
            {
                (false, _) => (service.Expose, port),
                (true, { IsAllocated: false, IsImplicit: false, Value: { } hostPort }) => (service.Ports, $"{hostPort}:{port}"),
                _ => (service.Ports, port), // The host's port is a random one.
            };
            if (!list.Contains(entry))
            {
                list.Add(entry);
            }
        }

        service.Volumes.AddRange(target.Annotations.OfType<ContainerMountAnnotation>().Select(mount => new Volume
        {
            Name = mount.Source!,
            Type = "volume",
            Target = mount.Target,
            Source = mount.Source,
            ReadOnly = mount.IsReadOnly,
        }));
        var waits = target.Annotations.OfType<WaitAnnotation>();
        foreach (var wait in waits.Where(wait => wait.Resource is ProjectResource || wait.Resource.IsContainer()))
        {
            // The package knows no health checks of Compose: a callback that adds one changes the condition.
            service.DependsOn[wait.Resource.Name.ToLowerInvariant()] = new ServiceDependency
            {
                Condition = wait.WaitType == WaitType.WaitForCompletion ? "service_completed_successfully" : "service_started",
            };
        }

        return service;
    }
}

/// <summary>The texts of a service: parameters are variables of Compose, and resources are reached by their names.</summary>
internal sealed class ComposeText(IResource target, EnvFile variables) : ValueText(target)
{
    /// <summary>The port that a container listens on: a fixed one, or what the site says for a project.</summary>
    public string PortOf(IResource resource, ResolvedEndpoint endpoint) => endpoint.TargetPort switch
    {
        { IsAllocated: true } => throw new NotSupportedException(
            $"The endpoint '{endpoint.Endpoint.Name}' of resource '{resource.Name}' has no fixed port, "
            + "which this stand-in does not publish."),
        { Value: { } port } => port.ToString(CultureInfo.InvariantCulture),
        _ => variables.Add($"{resource.Name}_PORT", $"Default container port for {resource.Name}"),
    };

    protected override string Of(ParameterResource parameter) => variables.Add(parameter.Name, $"Parameter {parameter.Name}");

    protected override PublishedAddress AddressOf(EndpointReference endpoint)
    {
        var published = endpoint.Resource.ResolveEndpoints().First(candidate => candidate.Endpoint.Name == endpoint.EndpointName);
        var port = PortOf(endpoint.Resource, published);
        return new(published.Endpoint.UriScheme, endpoint.Resource.Name, port, port);
    }
}

/// <summary>The variables of the Compose file, each with what it is for and no value.</summary>
internal sealed class EnvFile
{
    private readonly SortedDictionary<string, (string Comment, string Value)> _entries = new(StringComparer.Ordinal);

    /// <returns>The variable as the Compose file names it.</returns>
    public string Add(string name, string comment)
    {
        var key = name.ToUpperInvariant().Replace('-', '_');
        _entries[key] = (comment, "");
        return $"${{{key}}}";
    }

    /// <summary>The file's text, with what a site has set in the one that it replaces.</summary>
    public string Text(string existing)
    {
        var comment = "";
        foreach (var line in File.Exists(existing) ? File.ReadLines(existing) : [])
        {
            if (line.Split('=', 2) is [var key, var value] && !line.StartsWith('#'))
            {
                _entries[key] = (_entries.TryGetValue(key, out var entry) ? entry.Comment : comment, value);
            }

            comment = line.StartsWith('#') ? line[1..].Trim() : "";
        }

        return string.Concat(_entries.Select(entry =>
            $"{(entry.Value.Comment is "" ? "" : $"# {entry.Value.Comment}\n")}{entry.Key}={entry.Value.Value}\n\n"));
    }
}

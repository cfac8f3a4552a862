using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Running;

namespace Aspire.Hosting;

public static class ProjectResourceBuilderExtensions
{
    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, string name)
        where TProject : IProjectMetadata, new() => Add(builder, name, new TProject(), launchProfileName: null);

    public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, string name, string? launchProfileName)
        where TProject : IProjectMetadata, new() => Add(builder, name, new TProject(), launchProfileName);

    public static IResourceBuilder<ProjectResource> WithReplicas(this IResourceBuilder<ProjectResource> builder, int replicas) =>
        builder.WithAnnotation(new ReplicaAnnotation(replicas), ResourceAnnotationMutationBehavior.Replace);

    private static IResourceBuilder<ProjectResource> Add(
        IDistributedApplicationBuilder builder,
        string name,
        IProjectMetadata metadata,
        string? launchProfileName)
    {
        var project = builder.AddResource(new ProjectResource(name)).WithAnnotation(metadata);
        var profile = LaunchProfile.Select(metadata.ProjectPath, launchProfileName ?? builder.Configuration["DOTNET_LAUNCH_PROFILE"]);
        if (profile is not null)
        {
            project.WithAnnotation(profile);
            AddEndpoints(project, profile);
        }

        if (builder.ExecutionContext.IsRunMode)
        {
            project.WithEnvironment(context =>
            {
                context.EnvironmentVariables["LOGGING__CONSOLE__FORMATTERNAME"] = "simple";
                context.EnvironmentVariables["DOTNET_SYSTEM_CONSOLE_ALLOW_ANSI_COLOR_REDIRECTION"] = "true";
                SetAspNetCoreUrls(project.Resource, context.EnvironmentVariables);
            });
        }
        else
        {
            project.WithEnvironment(context =>
            {
                context.EnvironmentVariables["OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY"] = "in_memory";
                SetPublishedPorts(project.Resource, context.EnvironmentVariables);
            });
        }

        return project;
    }

    private static void AddEndpoints(IResourceBuilder<ProjectResource> project, LaunchProfile profile)
    {
        foreach (var url in profile.ApplicationUrls)
        {
            var name = url.Scheme;
            for (var n = 2; project.Resource.GetEndpoint(name).Exists; n++)
            {
                name = $"{url.Scheme}{n}";
            }

            project.WithAnnotation(new EndpointAnnotation(ProtocolType.Tcp, uriScheme: url.Scheme, name: name, port: url.Port) { TargetHost = url.Host });
        }
    }

    private static void SetAspNetCoreUrls(ProjectResource project, Dictionary<string, object> environment)
    {
        var urls = new ReferenceExpressionBuilder();
        foreach (var endpoint in project.GetEndpoints().Where(endpoint => endpoint.IsHttp || endpoint.IsHttps))
        {
            urls.AppendLiteral(urls.IsEmpty ? "" : ";");
            urls.Append($"{endpoint.Scheme}://{endpoint.EndpointAnnotation.TargetHost}:{endpoint.Property(EndpointProperty.TargetPort)}");
        }

        if (!urls.IsEmpty)
        {
            environment["ASPNETCORE_URLS"] = urls.Build();
        }
    }

    /// <summary>Behind an ingress, on the port of the one endpoint that a container listens on without TLS.</summary>
    private static void SetPublishedPorts(ProjectResource project, Dictionary<string, object> environment)
    {
        if (project.GetEndpoints().FirstOrDefault(endpoint => endpoint.IsHttp) is { } http)
        {
            environment["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true";
            environment["HTTP_PORTS"] = http.Property(EndpointProperty.TargetPort);
        }
    }
}

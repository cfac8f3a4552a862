using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Docker;
using Aspire.Hosting.Docker.Resources;
using Aspire.Hosting.Docker.Resources.ComposeNodes;
using Aspire.Hosting.Publishing;

namespace Aspire.Hosting;

/// <summary>Lets the model name Docker Compose. Publishing to it is refused: what its callbacks would change is made by the real packages only.</summary>
public static class DockerComposeEnvironmentExtensions
{
    public static IResourceBuilder<DockerComposeEnvironmentResource> AddDockerComposeEnvironment(this IDistributedApplicationBuilder builder, string name) =>
        builder.AddResource(new DockerComposeEnvironmentResource(name)).RefuseToPublish("Publishing for Docker Compose");

    public static IResourceBuilder<DockerComposeEnvironmentResource> WithDashboard(
        this IResourceBuilder<DockerComposeEnvironmentResource> builder,
        bool enabled = true) => builder;

    public static IResourceBuilder<DockerComposeEnvironmentResource> ConfigureComposeFile(
        this IResourceBuilder<DockerComposeEnvironmentResource> builder,
        Action<ComposeFile> configure) => builder;
}

public static class DockerComposeServiceExtensions
{
    public static IResourceBuilder<T> PublishAsDockerComposeService<T>(
        this IResourceBuilder<T> builder,
        Action<DockerComposeServiceResource, Service> configure)
        where T : IComputeResource => builder;
}

using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Docker;
using Aspire.Hosting.Docker.Publishing;
using Aspire.Hosting.Docker.Resources;
using Aspire.Hosting.Docker.Resources.ComposeNodes;
using Aspire.Hosting.Publishers;

namespace Aspire.Hosting
{
    public static class DockerComposeEnvironmentExtensions
    {
        public static IResourceBuilder<DockerComposeEnvironmentResource> AddDockerComposeEnvironment(
            this IDistributedApplicationBuilder builder, string name)
        {
            var environment = new DockerComposeEnvironmentResource(name);
            return builder.AddPublisher(environment, new ComposePublisher(environment).PublishAsync);
        }

        public static IResourceBuilder<DockerComposeEnvironmentResource> WithDashboard(
            this IResourceBuilder<DockerComposeEnvironmentResource> builder, bool enabled = true)
        {
            builder.Resource.DashboardEnabled = enabled;
            return builder;
        }

        /// <summary>Changes the file after its services were made and before it is written.</summary>
        public static IResourceBuilder<DockerComposeEnvironmentResource> ConfigureComposeFile(
            this IResourceBuilder<DockerComposeEnvironmentResource> builder, Action<ComposeFile> configure)
        {
            builder.Resource.ConfigureComposeFile += configure;
            return builder;
        }
    }

    public static class DockerComposeServiceExtensions
    {
        /// <summary>Changes the service of a resource after it was made.</summary>
        public static IResourceBuilder<T> PublishAsDockerComposeService<T>(
            this IResourceBuilder<T> builder, Action<DockerComposeServiceResource, Service> configure)
            where T : IComputeResource =>
            builder.ApplicationBuilder.ExecutionContext.IsPublishMode
                ? builder.WithAnnotation(new DockerComposeServiceCustomizationAnnotation(configure))
                : builder;
    }
}

namespace Aspire.Hosting.Docker
{
    public class DockerComposeEnvironmentResource(string name) : Resource(name), IComputeEnvironmentResource
    {
        public string? DefaultNetworkName { get; set; }

        public bool DashboardEnabled { get; set; } = true;

        internal Action<ComposeFile>? ConfigureComposeFile { get; set; }
    }

    public class DockerComposeServiceResource(string name, IResource resource, DockerComposeEnvironmentResource composeEnvironmentResource)
        : Resource(name), IResourceWithParent<DockerComposeEnvironmentResource>
    {
        public DockerComposeEnvironmentResource Parent { get; } = composeEnvironmentResource;

        internal IResource Target { get; } = resource;
    }

    internal sealed record DockerComposeServiceCustomizationAnnotation(Action<DockerComposeServiceResource, Service> Configure)
        : IResourceAnnotation;
}

using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Azure;
using Aspire.Hosting.Azure.AppContainers;
using Aspire.Hosting.Publishing;
using Azure.Provisioning.AppContainers;

namespace Aspire.Hosting;

/// <summary>Lets the model name Azure Container Apps. Publishing to them is refused: what its callbacks would change is made by the real packages only.</summary>
public static class AzureContainerAppExtensions
{
    public static IResourceBuilder<AzureContainerAppEnvironmentResource> AddAzureContainerAppEnvironment(this IDistributedApplicationBuilder builder, string name) =>
        builder.AddResource(new AzureContainerAppEnvironmentResource(name)).RefuseToPublish("Publishing for Azure");
}

public static class AzureContainerAppProjectExtensions
{
    public static IResourceBuilder<T> PublishAsAzureContainerApp<T>(this IResourceBuilder<T> project, Action<AzureResourceInfrastructure, ContainerApp> configure)
        where T : ProjectResource => project;
}

public static class AzureContainerAppContainerExtensions
{
    public static IResourceBuilder<T> PublishAsAzureContainerApp<T>(this IResourceBuilder<T> container, Action<AzureResourceInfrastructure, ContainerApp> configure)
        where T : ContainerResource => container;
}

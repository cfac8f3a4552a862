using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Azure;
using Aspire.Hosting.Azure.AppContainers;
using Aspire.Hosting.Pipelines;
using Azure.Provisioning;
using Azure.Provisioning.AppContainers;

namespace Aspire.Hosting
{
    /// <summary>Lets the model name Azure Container Apps, and refuses to publish to them: this stand-in writes no Bicep.</summary>
    public static class AzureContainerAppExtensions
    {
        // publish-manifest is what azd runs.
        public static IResourceBuilder<AzureContainerAppEnvironmentResource> AddAzureContainerAppEnvironment(
            this IDistributedApplicationBuilder builder, string name) =>
            builder.AddResource(new AzureContainerAppEnvironmentResource(name)).WithPipelineStepFactory(
                $"publish-{name}",
                _ => throw new NotSupportedException(
                    "Publishing for Azure needs Aspire.Hosting.Azure.AppContainers: "
                    + "build with -p:PublisherPackages=true where the feed has it. Published output is in deploy/azure."),
                requiredBy: [WellKnownPipelineSteps.Publish, WellKnownPipelineSteps.Deploy, "publish-manifest"]);
    }

    public static class AzureContainerAppProjectExtensions
    {
        public static IResourceBuilder<T> PublishAsAzureContainerApp<T>(
            this IResourceBuilder<T> project, Action<AzureResourceInfrastructure, ContainerApp> configure)
            where T : ProjectResource => project.WithAnnotation(new AzureContainerAppCustomizationAnnotation(configure));
    }

    public static class AzureContainerAppContainerExtensions
    {
        public static IResourceBuilder<T> PublishAsAzureContainerApp<T>(
            this IResourceBuilder<T> container, Action<AzureResourceInfrastructure, ContainerApp> configure)
            where T : ContainerResource => container.WithAnnotation(new AzureContainerAppCustomizationAnnotation(configure));
    }

    public static class ContainerAppExtensions
    {
        public static void ConfigureCustomDomain(
            this ContainerApp app,
            IResourceBuilder<ParameterResource> customDomain,
            IResourceBuilder<ParameterResource> certificateName) =>
            app.Configuration.Ingress.CustomDomains.Add(new ContainerAppCustomDomain
            {
                Name = customDomain.Resource.Name,
                CertificateId = certificateName.Resource.Name,
            });

        public static IResourceBuilder<T> PublishAsAzureContainerAppJob<T>(this IResourceBuilder<T> resource)
            where T : IComputeResource => resource;
    }

    public static class AzureProvisioningResourceExtensions
    {
        public static IResourceBuilder<T> ConfigureInfrastructure<T>(
            this IResourceBuilder<T> builder, Action<AzureResourceInfrastructure> configure)
            where T : AzureProvisioningResource => builder;

        public static ProvisioningParameter AsProvisioningParameter(
            this IResourceBuilder<ParameterResource> parameterResourceBuilder, AzureResourceInfrastructure infrastructure) =>
            new(parameterResourceBuilder.Resource.Name);

        public static ProvisioningParameter AsProvisioningParameter(
            this BicepOutputReference outputReference, AzureResourceInfrastructure infrastructure) =>
            new($"{outputReference.Resource.Name}_outputs_{outputReference.Name}");
    }
}

namespace Aspire.Hosting.Azure
{
    public class AzureBicepResource(string name) : Resource(name);

    public class AzureProvisioningResource(string name) : AzureBicepResource(name);

    public sealed class AzureResourceInfrastructure : Infrastructure;

    public sealed class AzureContainerAppCustomizationAnnotation(Action<AzureResourceInfrastructure, ContainerApp> configure)
        : IResourceAnnotation
    {
        public Action<AzureResourceInfrastructure, ContainerApp> Configure { get; } = configure;
    }

    public sealed class BicepOutputReference(string name, AzureBicepResource resource)
    {
        public string Name { get; } = name;

        public AzureBicepResource Resource { get; } = resource;
    }
}

namespace Aspire.Hosting.Azure.AppContainers
{
    public class AzureContainerAppEnvironmentResource(string name) : AzureProvisioningResource(name), IComputeEnvironmentResource;
}

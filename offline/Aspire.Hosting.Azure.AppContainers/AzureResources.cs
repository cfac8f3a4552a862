using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Azure;
using Azure.Provisioning;

namespace Aspire.Hosting.Azure
{
    public class AzureBicepResource(string name) : Resource(name);

    public class AzureProvisioningResource(string name) : AzureBicepResource(name);

    public sealed class AzureResourceInfrastructure : Infrastructure;

    public sealed class BicepOutputReference(string name, AzureBicepResource resource)
    {
        public string Name { get; } = name;

        public AzureBicepResource Resource { get; } = resource;
    }
}

namespace Aspire.Hosting.Azure.AppContainers
{
    public class AzureContainerAppEnvironmentResource(string name) : AzureProvisioningResource(name);
}

namespace Aspire.Hosting
{
    public static class AzureProvisioningResourceExtensions
    {
        public static IResourceBuilder<T> ConfigureInfrastructure<T>(this IResourceBuilder<T> builder, Action<AzureResourceInfrastructure> configure)
            where T : AzureProvisioningResource => builder;

        public static ProvisioningParameter AsProvisioningParameter(this BicepOutputReference outputReference, AzureResourceInfrastructure infrastructure) =>
            new($"{outputReference.Resource.Name}_outputs_{outputReference.Name}");
    }
}

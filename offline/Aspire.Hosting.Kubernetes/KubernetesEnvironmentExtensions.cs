using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Publishing;
using Aspire.Hosting.Publishing;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting;

public static class KubernetesEnvironmentExtensions
{
    public static IResourceBuilder<KubernetesEnvironmentResource> AddKubernetesEnvironment(this IDistributedApplicationBuilder builder, string name)
    {
        var environment = new KubernetesEnvironmentResource(name);
        environment.Chart.WithChartName(builder.Environment.ApplicationName.ToLowerInvariant().Replace('_', '-').Replace('.', '-'));
        if (builder.ExecutionContext.IsRunMode)
        {
            return builder.CreateResourceBuilder(environment);
        }

        builder.Services.AddSingleton<IModelPublisher>(new ChartPublisher(environment));
        return builder.AddResource(environment);
    }

    public static IResourceBuilder<KubernetesEnvironmentResource> WithHelm(
        this IResourceBuilder<KubernetesEnvironmentResource> builder,
        Action<HelmChartOptions> configure)
    {
        configure(builder.Resource.Chart);
        return builder;
    }

    public static IResourceBuilder<KubernetesEnvironmentResource> WithProperties(
        this IResourceBuilder<KubernetesEnvironmentResource> builder,
        Action<KubernetesEnvironmentResource> configure)
    {
        configure(builder.Resource);
        return builder;
    }

    public static IResourceBuilder<KubernetesEnvironmentResource> WithDashboard(
        this IResourceBuilder<KubernetesEnvironmentResource> builder,
        bool enabled = true) => enabled
            ? throw new DistributedApplicationException("The dashboard is part of the real Aspire packages: build with AspireMode=nuget to publish it.")
            : builder;
}

using System.Diagnostics.CodeAnalysis;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Publishing;
using Aspire.Hosting.Publishers;

namespace Aspire.Hosting;

public static class KubernetesEnvironmentExtensions
{
    public static IResourceBuilder<KubernetesEnvironmentResource> AddKubernetesEnvironment(
        this IDistributedApplicationBuilder builder, string name)
    {
        var environment = new KubernetesEnvironmentResource(name);
        environment.Chart.WithChartName(builder.Environment.ApplicationName.ToLowerInvariant().Replace('_', '-').Replace('.', '-'));
        return builder.AddPublisher(environment, new ChartPublisher(environment).PublishAsync);
    }

    public static IResourceBuilder<KubernetesEnvironmentResource> WithHelm(
        this IResourceBuilder<KubernetesEnvironmentResource> builder, Action<HelmChartOptions> configure)
    {
        configure(builder.Resource.Chart);
        return builder;
    }

    public static IResourceBuilder<KubernetesEnvironmentResource> WithDashboard(
        this IResourceBuilder<KubernetesEnvironmentResource> builder, bool enabled = true) => enabled
            ? throw new NotSupportedException(
                "This stand-in publishes no dashboard: build with -p:PublisherPackages=true where the feed has Aspire.Hosting.Kubernetes.")
            : builder;
}

public static class KubernetesServiceExtensions
{
    /// <summary>Changes the objects of a resource after they were made and before they are written.</summary>
    public static IResourceBuilder<T> PublishAsKubernetesService<T>(this IResourceBuilder<T> builder, Action<KubernetesResource> configure)
        where T : IComputeResource =>
        builder.ApplicationBuilder.ExecutionContext.IsPublishMode
            ? builder.WithAnnotation(new KubernetesServiceCustomizationAnnotation(configure))
            : builder;
}

public static class KubernetesIngressExtensions
{
    public static IResourceBuilder<KubernetesIngressResource> AddIngress(
        this IResourceBuilder<KubernetesEnvironmentResource> builder, string name) =>
        builder.AddChild(new KubernetesIngressResource(name, builder.Resource));

    public static IResourceBuilder<KubernetesIngressResource> WithIngressClass(
        this IResourceBuilder<KubernetesIngressResource> builder, string className)
    {
        builder.Resource.ClassName = className;
        return builder;
    }

    /// <summary>A host of the TLS entries. The host of a rule is the one that its path names.</summary>
    public static IResourceBuilder<KubernetesIngressResource> WithHostname(
        this IResourceBuilder<KubernetesIngressResource> builder, string hostname)
    {
        builder.Resource.Hostnames.Add(hostname);
        return builder;
    }

    public static IResourceBuilder<KubernetesIngressResource> WithTls(
        this IResourceBuilder<KubernetesIngressResource> builder, string secretName)
    {
        builder.Resource.TlsSecrets.Add(secretName);
        return builder;
    }

    public static IResourceBuilder<KubernetesIngressResource> WithPath(
        this IResourceBuilder<KubernetesIngressResource> builder, string host, string path,
        EndpointReference endpoint, IngressPathType pathType = IngressPathType.Prefix)
    {
        builder.Resource.Paths.Add((host, path, pathType, endpoint));
        return builder;
    }

    /// <summary>Adds what belongs to the environment. In run mode it stays out of the model, as the environment does.</summary>
    internal static IResourceBuilder<T> AddChild<T>(this IResourceBuilder<KubernetesEnvironmentResource> builder, T child)
        where T : IResource => builder.ApplicationBuilder.ExecutionContext.IsRunMode
            ? builder.ApplicationBuilder.CreateResourceBuilder(child)
            : builder.ApplicationBuilder.AddResource(child);
}

[Experimental("ASPIRECOMPUTE002")]
public static class KubernetesPersistentVolumeExtensions
{
    public static IResourceBuilder<KubernetesPersistentVolumeResource> AddPersistentVolume(
        this IResourceBuilder<KubernetesEnvironmentResource> builder, string name) =>
        builder.AddChild(new KubernetesPersistentVolumeResource(name, builder.Resource));

    public static IResourceBuilder<KubernetesPersistentVolumeResource> WithCapacity(
        this IResourceBuilder<KubernetesPersistentVolumeResource> builder, string capacity)
    {
        builder.Resource.Capacity = capacity;
        return builder;
    }

    public static IResourceBuilder<KubernetesPersistentVolumeResource> WithAccessMode(
        this IResourceBuilder<KubernetesPersistentVolumeResource> builder, PersistentVolumeAccessMode accessMode)
    {
        builder.Resource.AccessModes.Add(accessMode);
        return builder;
    }

    public static IResourceBuilder<KubernetesPersistentVolumeResource> WithVolumeAnnotation(
        this IResourceBuilder<KubernetesPersistentVolumeResource> builder, string key, string value)
    {
        builder.Resource.VolumeAnnotations[key] = value;
        return builder;
    }

    /// <summary>Binds the claim to the resource's volume of the same name, which also makes it a StatefulSet.</summary>
    public static IResourceBuilder<T> WithPersistentVolume<T>(
        this IResourceBuilder<T> builder, IResourceBuilder<KubernetesPersistentVolumeResource> volume)
        where T : IComputeResource => builder.WithAnnotation(new PersistentVolumeBindingAnnotation(volume.Resource));
}

using System.Diagnostics.CodeAnalysis;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes;

namespace Aspire.Hosting;

[Experimental("ASPIRECOMPUTE002")]
public static class KubernetesPersistentVolumeExtensions
{
    public static IResourceBuilder<KubernetesPersistentVolumeResource> AddPersistentVolume(
        this IResourceBuilder<KubernetesEnvironmentResource> builder,
        string name)
    {
        var volume = new KubernetesPersistentVolumeResource(name, builder.Resource);
        return builder.ApplicationBuilder.ExecutionContext.IsRunMode
            ? builder.ApplicationBuilder.CreateResourceBuilder(volume)
            : builder.ApplicationBuilder.AddResource(volume);
    }

    public static IResourceBuilder<KubernetesPersistentVolumeResource> WithCapacity(
        this IResourceBuilder<KubernetesPersistentVolumeResource> builder,
        string capacity)
    {
        builder.Resource.Capacity = capacity;
        return builder;
    }

    public static IResourceBuilder<KubernetesPersistentVolumeResource> WithStorageClass(
        this IResourceBuilder<KubernetesPersistentVolumeResource> builder,
        string storageClassName)
    {
        builder.Resource.StorageClass = storageClassName;
        return builder;
    }

    public static IResourceBuilder<KubernetesPersistentVolumeResource> WithAccessMode(
        this IResourceBuilder<KubernetesPersistentVolumeResource> builder,
        PersistentVolumeAccessMode accessMode)
    {
        builder.Resource.AccessModes.Add(accessMode);
        return builder;
    }

    public static IResourceBuilder<KubernetesPersistentVolumeResource> WithVolumeAnnotation(
        this IResourceBuilder<KubernetesPersistentVolumeResource> builder,
        string key,
        string value)
    {
        builder.Resource.VolumeAnnotations[key] = value;
        return builder;
    }

    /// <summary>Binds the claim to the resource's volume of the same name, which also makes it a StatefulSet.</summary>
    public static IResourceBuilder<T> WithPersistentVolume<T>(
        this IResourceBuilder<T> builder,
        IResourceBuilder<KubernetesPersistentVolumeResource> volume)
        where T : IComputeResource => builder.WithAnnotation(new PersistentVolumeBindingAnnotation(volume.Resource));
}

[Experimental("ASPIRECOMPUTE002")]
internal sealed class PersistentVolumeBindingAnnotation(KubernetesPersistentVolumeResource volume) : IResourceAnnotation
{
    public KubernetesPersistentVolumeResource Volume { get; } = volume;
}

using System.Diagnostics.CodeAnalysis;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kubernetes;

[Experimental("ASPIRECOMPUTE002")]
public sealed class KubernetesPersistentVolumeResource(string name, KubernetesEnvironmentResource environment)
    : Resource(name), IResourceWithParent<KubernetesEnvironmentResource>
{
    public KubernetesEnvironmentResource Parent { get; } = environment;

    internal string? Capacity { get; set; }

    internal string? StorageClass { get; set; }

    internal List<PersistentVolumeAccessMode> AccessModes { get; } = [];

    internal Dictionary<string, string> VolumeAnnotations { get; } = [];
}

[Experimental("ASPIRECOMPUTE002")]
public enum PersistentVolumeAccessMode
{
    ReadWriteOnce,
    ReadOnlyMany,
    ReadWriteMany,
    ReadWriteOncePod,
}

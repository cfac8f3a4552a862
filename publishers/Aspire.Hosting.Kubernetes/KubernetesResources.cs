using System.Diagnostics.CodeAnalysis;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes.Resources;

namespace Aspire.Hosting.Kubernetes;

public sealed class KubernetesEnvironmentResource(string name) : Resource(name), IComputeEnvironmentResource
{
    internal HelmChartOptions Chart { get; } = new();
}

public sealed class HelmChartOptions
{
    internal string Name { get; private set; } = "aspire";

    internal string Version { get; private set; } = "0.1.0";

    internal string Description { get; private set; } = "Aspire Helm Chart";

    public HelmChartOptions WithChartName(string name)
    {
        Name = name;
        return this;
    }

    public HelmChartOptions WithChartVersion(string version)
    {
        Version = version;
        return this;
    }

    public HelmChartOptions WithChartDescription(string description)
    {
        Description = description;
        return this;
    }

    /// <summary>Accepted: only a deployment uses it, and a stand-in deploys nothing.</summary>
    public HelmChartOptions WithReleaseName(string releaseName) => this;

    /// <inheritdoc cref="WithReleaseName"/>
    public HelmChartOptions WithNamespace(string @namespace) => this;
}

/// <summary>The objects that a resource becomes.</summary>
public class KubernetesResource : Resource, IResourceWithParent<KubernetesEnvironmentResource>
{
    internal KubernetesResource(IResource target, KubernetesEnvironmentResource environment)
        : base(target.Name)
    {
        Target = target;
        Parent = environment;
    }

    public KubernetesEnvironmentResource Parent { get; }

    public Workload? Workload { get; set; }

    public ConfigMap? ConfigMap { get; set; }

    public Secret? Secret { get; set; }

    public Service? Service { get; set; }

    public List<BaseKubernetesResource> AdditionalResources { get; } = [];

    internal IResource Target { get; }

    internal Dictionary<string, string> Labels => new()
    {
        ["app.kubernetes.io/name"] = "{{ .Chart.Name }}",
        ["app.kubernetes.io/component"] = Name,
        ["app.kubernetes.io/instance"] = "{{ .Release.Name }}",
    };

    /// <summary>All of them, with the labels on those that a callback added.</summary>
    internal IEnumerable<BaseKubernetesResource> Objects()
    {
        foreach (var additional in AdditionalResources)
        {
            foreach (var (key, value) in Labels)
            {
                additional.Metadata.Labels.TryAdd(key, value);
            }
        }

        BaseKubernetesResource?[] own = [Workload, ConfigMap, Secret, Service];
        return own.OfType<BaseKubernetesResource>().Concat(AdditionalResources);
    }
}

public class KubernetesIngressResource(string name, KubernetesEnvironmentResource environment)
    : Resource(name), IResourceWithParent<KubernetesEnvironmentResource>
{
    public KubernetesEnvironmentResource Parent { get; } = environment;

    internal string? ClassName { get; set; }

    internal List<string> Hostnames { get; } = [];

    internal List<string> TlsSecrets { get; } = [];

    internal List<(string Host, string Path, IngressPathType PathType, EndpointReference Endpoint)> Paths { get; } = [];
}

public enum IngressPathType
{
    Prefix,
    Exact,
    ImplementationSpecific,
}

[Experimental("ASPIRECOMPUTE002")]
public sealed class KubernetesPersistentVolumeResource(string name, KubernetesEnvironmentResource environment)
    : Resource(name), IResourceWithParent<KubernetesEnvironmentResource>
{
    public KubernetesEnvironmentResource Parent { get; } = environment;

    internal string Capacity { get; set; } = "1Gi";

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

internal sealed record KubernetesServiceCustomizationAnnotation(Action<KubernetesResource> Configure) : IResourceAnnotation;

internal sealed record PersistentVolumeBindingAnnotation(KubernetesPersistentVolumeResource Volume) : IResourceAnnotation;

using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kubernetes;

public sealed class KubernetesEnvironmentResource(string name) : Resource(name)
{
    public string DefaultImagePullPolicy { get; set; } = "IfNotPresent";

    public string DefaultServiceType { get; set; } = "ClusterIP";

    public string DefaultStorageSize { get; set; } = "1Gi";

    public string DefaultStorageReadWritePolicy { get; set; } = "ReadWriteOnce";

    /// <summary>The class of claims that name none; null for the cluster's own default.</summary>
    public string? DefaultStorageClassName { get; set; }

    internal HelmChartOptions Chart { get; } = new();
}

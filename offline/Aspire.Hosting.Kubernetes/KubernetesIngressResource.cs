using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kubernetes;

public class KubernetesIngressResource(string name, KubernetesEnvironmentResource environment)
    : Resource(name), IResourceWithParent<KubernetesEnvironmentResource>
{
    public KubernetesEnvironmentResource Parent { get; } = environment;

    internal string? ClassName { get; set; }

    internal List<string> Hostnames { get; } = [];

    internal List<string> TlsSecrets { get; } = [];

    internal Dictionary<string, string> IngressAnnotations { get; } = [];

    internal List<IngressPath> Paths { get; } = [];
}

public enum IngressPathType
{
    Prefix,
    Exact,
    ImplementationSpecific,
}

internal sealed record IngressPath(string? Host, string Path, IngressPathType PathType, EndpointReference Endpoint);

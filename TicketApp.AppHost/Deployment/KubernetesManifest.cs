using Aspire.Hosting.Kubernetes.Resources;

namespace TicketApp.AppHost.Deployment;

/// <summary>
/// A Kubernetes object that is all "spec", for kinds without a class of their own. Empty dictionaries and lists are dropped when
/// it is written, so no selector may be empty.
/// </summary>
internal sealed class KubernetesManifest : BaseKubernetesResource
{
    public KubernetesManifest(string apiVersion, string kind, string name, Dictionary<string, object> spec)
        : base(apiVersion, kind)
    {
        Metadata.Name = name;
        Spec = spec;
    }

    public Dictionary<string, object> Spec { get; }
}

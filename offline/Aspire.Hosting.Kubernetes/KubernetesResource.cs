using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes.Resources;

namespace Aspire.Hosting.Kubernetes;

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

    internal IEnumerable<BaseKubernetesResource> Objects
    {
        get
        {
            foreach (var additional in AdditionalResources)
            {
                foreach (var (key, value) in Labels)
                {
                    additional.Metadata.Labels.TryAdd(key, value);
                }
            }

            return new BaseKubernetesResource?[] { Workload, ConfigMap, Secret, Service }.OfType<BaseKubernetesResource>().Concat(AdditionalResources);
        }
    }
}

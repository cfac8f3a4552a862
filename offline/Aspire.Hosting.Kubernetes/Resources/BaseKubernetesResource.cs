namespace Aspire.Hosting.Kubernetes.Resources;

public abstract class BaseKubernetesObject(string? apiVersion = null, string? kind = null)
{
    public string? ApiVersion { get; set; } = apiVersion;

    public string? Kind { get; set; } = kind;
}

public abstract class BaseKubernetesResource(string apiVersion, string kind) : BaseKubernetesObject(apiVersion, kind)
{
    public ObjectMetaV1 Metadata { get; set; } = new();
}

public sealed class ObjectMetaV1
{
    public string Name { get; set; } = null!;

    public string Namespace { get; set; } = null!;

    public Dictionary<string, string> Annotations { get; } = [];

    public Dictionary<string, string> Labels { get; set; } = [];
}

public sealed class LabelSelectorV1
{
    public LabelSelectorV1()
    {
    }

    public LabelSelectorV1(Dictionary<string, string> matchLabels) => MatchLabels = matchLabels;

    public Dictionary<string, string> MatchLabels { get; set; } = [];
}

using System.Globalization;
using Aspire.Hosting.Publishers;

namespace Aspire.Hosting.Kubernetes.Resources;

// Members stand in the order in which the package declares, and so writes, them.
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

public sealed class ConfigMap() : BaseKubernetesResource("v1", "ConfigMap")
{
    public Dictionary<string, string> Data { get; } = [];
}

public sealed class Secret() : BaseKubernetesResource("v1", "Secret")
{
    public Dictionary<string, string> StringData { get; } = [];
    public string Type { get; set; } = "Opaque";
}

public sealed class Service() : BaseKubernetesResource("v1", "Service") { public ServiceSpecV1 Spec { get; set; } = new(); }

public sealed class ServiceSpecV1
{
    public string Type { get; set; } = "ClusterIP";
    public Dictionary<string, string> Selector { get; set; } = [];
    public List<ServicePortV1> Ports { get; } = [];
}

public sealed class ServicePortV1
{
    public string Name { get; set; } = null!;
    public string Protocol { get; set; } = null!;
    public Int32OrStringV1 Port { get; set; } = null!;
    public Int32OrStringV1 TargetPort { get; set; } = null!;
}

public sealed class PersistentVolumeClaim() : BaseKubernetesResource("v1", "PersistentVolumeClaim")
{
    public PersistentVolumeClaimSpecV1 Spec { get; set; } = new();
}

public sealed class PersistentVolumeClaimSpecV1
{
    public string StorageClassName { get; set; } = null!;
    public List<string> AccessModes { get; } = [];
    public VolumeResourceRequirementsV1 Resources { get; set; } = new();
}

public sealed class VolumeResourceRequirementsV1 { public Dictionary<string, string> Requests { get; } = []; }

public sealed class Ingress() : BaseKubernetesResource("networking.k8s.io/v1", "Ingress")
{
    public IngressSpecV1 Spec { get; set; } = new();
}

public sealed class IngressSpecV1
{
    public string IngressClassName { get; set; } = null!;
    public List<IngressRuleV1> Rules { get; } = [];
    public List<IngressTLSV1> Tls { get; } = [];
}

public sealed class IngressRuleV1
{
    public HttpIngressRuleValueV1 Http { get; set; } = new();
    public string Host { get; set; } = null!;
}

public sealed class HttpIngressRuleValueV1 { public List<HttpIngressPathV1> Paths { get; } = []; }

public sealed class HttpIngressPathV1
{
    public IngressBackendV1 Backend { get; set; } = new();
    public string PathType { get; set; } = null!;
    public string Path { get; set; } = null!;
}

public sealed class IngressBackendV1 { public IngressServiceBackendV1 Service { get; set; } = null!; }

public sealed class IngressServiceBackendV1
{
    public string Name { get; set; } = null!;
    public ServiceBackendPortV1 Port { get; set; } = new();
}

public sealed class ServiceBackendPortV1 { public string Name { get; set; } = null!; }

public sealed class IngressTLSV1
{
    public string SecretName { get; set; } = null!;
    public List<string> Hosts { get; } = [];
}

public sealed record Int32OrStringV1(int? Number = null, string? Text = null) : IYamlValue
{
    public Int32OrStringV1(int value)
        : this(Number: value)
    {
    }

    public Int32OrStringV1(string? value)
        : this(ParseNumber(value), ParseNumber(value) is null ? value : null)
    {
    }

    public string? Value => Number?.ToString(CultureInfo.InvariantCulture) ?? Text;

    object? IYamlValue.Value => Number is { } number ? number : Text;

    public static implicit operator Int32OrStringV1(int value) => new(value);

    public static implicit operator Int32OrStringV1?(string? value) => value is null ? null : new(value);

    public override string? ToString() => Value;

    private static int? ParseNumber(string? value) => int.TryParse(value, CultureInfo.InvariantCulture, out var number) ? number : null;
}

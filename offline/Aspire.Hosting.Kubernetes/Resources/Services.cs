namespace Aspire.Hosting.Kubernetes.Resources;

public sealed class ConfigMap() : BaseKubernetesResource("v1", "ConfigMap")
{
    public Dictionary<string, string> Data { get; } = [];
}

public sealed class Secret() : BaseKubernetesResource("v1", "Secret")
{
    public Dictionary<string, string> StringData { get; } = [];

    public string Type { get; set; } = "Opaque";
}

public sealed class Service() : BaseKubernetesResource("v1", "Service")
{
    public ServiceSpecV1 Spec { get; set; } = new();
}

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
    public List<string> AccessModes { get; } = [];

    public VolumeResourceRequirementsV1 Resources { get; set; } = new();

    public string? StorageClassName { get; set; }
}

public sealed class VolumeResourceRequirementsV1
{
    public Dictionary<string, string> Requests { get; } = [];
}

using YamlDotNet.Serialization;

namespace Aspire.Hosting.Kubernetes.Resources;

// Members stand in the order in which the package declares, and so writes, them.
public abstract class Workload(string apiVersion, string kind) : BaseKubernetesResource(apiVersion, kind)
{
    [YamlIgnore]
    public abstract PodTemplateSpecV1 PodTemplate { get; }
}

public sealed class Deployment() : Workload("apps/v1", "Deployment")
{
    public DeploymentSpecV1 Spec { get; set; } = new();

    [YamlIgnore]
    public override PodTemplateSpecV1 PodTemplate => Spec.Template;
}

public sealed class DeploymentSpecV1
{
    public PodTemplateSpecV1 Template { get; set; } = new();
    public LabelSelectorV1 Selector { get; set; } = new();
    public int? Replicas { get; set; } = 1;
    public int? RevisionHistoryLimit { get; set; } = 3;
    public DeploymentStrategyV1 Strategy { get; set; } = new();
}

public sealed class DeploymentStrategyV1
{
    public RollingUpdateDeploymentV1 RollingUpdate { get; set; } = new();
    public string Type { get; set; } = "RollingUpdate";
}

public sealed class RollingUpdateDeploymentV1
{
    public int MaxSurge { get; set; }
    public int MaxUnavailable { get; set; }
}

public sealed class StatefulSet() : Workload("apps/v1", "StatefulSet")
{
    public StatefulSetSpecV1 Spec { get; set; } = new();

    [YamlIgnore]
    public override PodTemplateSpecV1 PodTemplate => Spec.Template;
}

public sealed class StatefulSetSpecV1
{
    public string ServiceName { get; set; } = null!;
    public PodTemplateSpecV1 Template { get; set; } = new();
    public LabelSelectorV1 Selector { get; set; } = new();
    public int? Replicas { get; set; }
}

public sealed class PodTemplateSpecV1
{
    public ObjectMetaV1 Metadata { get; set; } = new();
    public PodSpecV1 Spec { get; set; } = new();
}

public sealed class PodSpecV1
{
    public bool? AutomountServiceAccountToken { get; set; }
    public List<ContainerV1> Containers { get; } = [];
    public bool? EnableServiceLinks { get; set; }
    public long? TerminationGracePeriodSeconds { get; set; }
    public List<TopologySpreadConstraintV1> TopologySpreadConstraints { get; } = [];
    public List<VolumeV1> Volumes { get; } = [];
    public PodSecurityContextV1? SecurityContext { get; set; }
}

public sealed class TopologySpreadConstraintV1
{
    public string? WhenUnsatisfiable { get; set; }
    public LabelSelectorV1 LabelSelector { get; set; } = new();
    public List<string> MatchLabelKeys { get; } = [];
    public int? MaxSkew { get; set; }
    public string? TopologyKey { get; set; }
}

public sealed class VolumeV1
{
    public string Name { get; set; } = null!;
    public PersistentVolumeClaimVolumeSourceV1? PersistentVolumeClaim { get; set; }
    public EmptyDirVolumeSourceV1? EmptyDir { get; set; }
    public SecretVolumeSourceV1? Secret { get; set; }
}

public sealed class SecretVolumeSourceV1
{
    public int? DefaultMode { get; set; }
    public string SecretName { get; set; } = null!;
    public List<KeyToPathV1> Items { get; } = [];
}

public sealed class KeyToPathV1
{
    public string Path { get; set; } = null!;
    public string Key { get; set; } = null!;
}

public sealed class EmptyDirVolumeSourceV1
{
    public string? Medium { get; set; }
    public string? SizeLimit { get; set; }
}

public sealed class PersistentVolumeClaimVolumeSourceV1
{
    public string ClaimName { get; set; } = null!;
    public bool? ReadOnly { get; set; }
}

public sealed class PodSecurityContextV1
{
    public SeccompProfileV1? SeccompProfile { get; set; }
    public long? FsGroup { get; set; }
    public long? RunAsGroup { get; set; }
    public long? RunAsUser { get; set; }
    public bool? RunAsNonRoot { get; set; }
    public string FsGroupChangePolicy { get; set; } = null!;
}

public sealed class SeccompProfileV1 { public string Type { get; set; } = null!; }

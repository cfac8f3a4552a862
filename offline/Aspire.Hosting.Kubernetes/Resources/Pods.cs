namespace Aspire.Hosting.Kubernetes.Resources;

public sealed class PodSpecV1
{
    public bool? AutomountServiceAccountToken { get; set; }

    public List<ContainerV1> Containers { get; } = [];

    public List<ContainerV1> InitContainers { get; } = [];

    public bool? EnableServiceLinks { get; set; }

    public Dictionary<string, string> NodeSelector { get; } = [];

    public string? PriorityClassName { get; set; }

    public string? ServiceAccountName { get; set; }

    public long? TerminationGracePeriodSeconds { get; set; }

    public List<TopologySpreadConstraintV1> TopologySpreadConstraints { get; } = [];

    public List<VolumeV1> Volumes { get; } = [];

    public PodSecurityContextV1? SecurityContext { get; set; }
}

public sealed class TopologySpreadConstraintV1
{
    public int? MaxSkew { get; set; }

    public string? TopologyKey { get; set; }

    public string? WhenUnsatisfiable { get; set; }

    public LabelSelectorV1 LabelSelector { get; set; } = new();

    public List<string> MatchLabelKeys { get; } = [];
}

public sealed class PodSecurityContextV1
{
    public bool? RunAsNonRoot { get; set; }

    public long? RunAsUser { get; set; }

    public long? RunAsGroup { get; set; }

    public long? FsGroup { get; set; }

    public string FsGroupChangePolicy { get; set; } = null!;

    public SeccompProfileV1? SeccompProfile { get; set; }
}

public sealed class SeccompProfileV1
{
    public string Type { get; set; } = null!;

    public string LocalhostProfile { get; set; } = null!;
}

public sealed class VolumeV1
{
    public string Name { get; set; } = null!;

    public EmptyDirVolumeSourceV1? EmptyDir { get; set; }

    public PersistentVolumeClaimVolumeSourceV1? PersistentVolumeClaim { get; set; }
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

namespace Aspire.Hosting.Kubernetes.Resources;

public sealed class ContainerV1
{
    public string Name { get; set; } = null!;

    public string Image { get; set; } = null!;

    public string ImagePullPolicy { get; set; } = "IfNotPresent";

    public List<string> Command { get; } = [];

    public List<string> Args { get; } = [];

    public List<EnvFromSourceV1> EnvFrom { get; } = [];

    public List<EnvVarV1> Env { get; } = [];

    public List<ContainerPortV1> Ports { get; } = [];

    public ProbeV1? StartupProbe { get; set; }

    public ProbeV1? ReadinessProbe { get; set; }

    public ProbeV1? LivenessProbe { get; set; }

    public LifecycleV1? Lifecycle { get; set; }

    public ResourceRequirementsV1? Resources { get; set; }

    public List<VolumeMountV1> VolumeMounts { get; } = [];

    public SecurityContextV1? SecurityContext { get; set; }
}

public sealed class EnvFromSourceV1
{
    public ConfigMapEnvSourceV1? ConfigMapRef { get; set; }

    public SecretEnvSourceV1? SecretRef { get; set; }
}

public sealed class ConfigMapEnvSourceV1
{
    public string Name { get; set; } = null!;
}

public sealed class SecretEnvSourceV1
{
    public string Name { get; set; } = null!;
}

public sealed class EnvVarV1
{
    public string Name { get; set; } = null!;

    public string? Value { get; set; }
}

public sealed class ContainerPortV1
{
    public string Name { get; set; } = null!;

    public string Protocol { get; set; } = null!;

    public Int32OrStringV1? ContainerPort { get; set; }
}

public sealed class ResourceRequirementsV1
{
    public Dictionary<string, string> Limits { get; } = [];

    public Dictionary<string, string> Requests { get; } = [];
}

public sealed class VolumeMountV1
{
    public string Name { get; set; } = null!;

    public string MountPath { get; set; } = null!;

    public bool? ReadOnly { get; set; }
}

public sealed class SecurityContextV1
{
    public bool? Privileged { get; set; }

    public bool? ReadOnlyRootFilesystem { get; set; }

    public bool? AllowPrivilegeEscalation { get; set; }

    public bool? RunAsNonRoot { get; set; }

    public CapabilitiesV1? Capabilities { get; set; }
}

public sealed class CapabilitiesV1
{
    public List<string> Add { get; } = [];

    public List<string> Drop { get; } = [];
}

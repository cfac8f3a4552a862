namespace Aspire.Hosting.Kubernetes.Resources;

// Members stand in the order in which the package declares, and so writes, them.
public sealed class ContainerV1
{
    public string Image { get; set; } = null!;
    public LifecycleV1? Lifecycle { get; set; }
    public ProbeV1? LivenessProbe { get; set; }
    public string Name { get; set; } = null!;
    public ProbeV1? ReadinessProbe { get; set; }
    public ProbeV1? StartupProbe { get; set; }
    public List<EnvFromSourceV1> EnvFrom { get; } = [];
    public List<string> Args { get; } = [];
    public List<ContainerPortV1> Ports { get; } = [];
    public ResourceRequirementsV1? Resources { get; set; }
    public List<VolumeMountV1> VolumeMounts { get; } = [];
    public SecurityContextV1? SecurityContext { get; set; }
    public string ImagePullPolicy { get; set; } = "IfNotPresent";
}

public sealed class EnvFromSourceV1
{
    public ConfigMapEnvSourceV1? ConfigMapRef { get; set; }
    public SecretEnvSourceV1? SecretRef { get; set; }
}

public sealed class ConfigMapEnvSourceV1 { public string Name { get; set; } = null!; }

public sealed class SecretEnvSourceV1 { public string Name { get; set; } = null!; }

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
    public CapabilitiesV1? Capabilities { get; set; }
    public bool? RunAsNonRoot { get; set; }
}

public sealed class CapabilitiesV1 { public List<string> Drop { get; } = []; }

public sealed class ProbeV1
{
    public ExecActionV1? Exec { get; set; }
    public int? FailureThreshold { get; set; }
    public int? SuccessThreshold { get; set; }
    public int? InitialDelaySeconds { get; set; }
    public int? PeriodSeconds { get; set; }
    public int? TimeoutSeconds { get; set; }
    public HttpGetActionV1? HttpGet { get; set; }
}

public sealed class ExecActionV1 { public List<string> Command { get; } = []; }

public sealed class HttpGetActionV1
{
    public string Scheme { get; set; } = null!;
    public string Path { get; set; } = null!;
    public Int32OrStringV1? Port { get; set; }
}

public sealed class TcpSocketActionV1 { public Int32OrStringV1? Port { get; set; } }

public sealed class LifecycleV1 { public LifecycleHandlerV1 PreStop { get; set; } = null!; }

/// <summary>As in the package all four are set: to use one, set the others to null.</summary>
public sealed class LifecycleHandlerV1
{
    public ExecActionV1 Exec { get; set; } = new();
    public SleepActionV1 Sleep { get; set; } = new();
    public HttpGetActionV1 HttpGet { get; set; } = new();
    public TcpSocketActionV1 TcpSocket { get; set; } = new();
}

public sealed class SleepActionV1 { public long Seconds { get; set; } }

using System.Text.RegularExpressions;
using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;
using TicketApp.AppHost.Servers;

namespace TicketApp.AppHost.Deployment;

/// <summary>CPU and memory that a pod is placed by, and those that it may not exceed.</summary>
internal sealed record NodeShare(string CpuRequest, string MemoryRequest, string CpuLimit, string MemoryLimit);

/// <summary>What makes a pod fit for production.</summary>
internal static partial class KubernetesHardening
{
    /// <summary>Takes away every right that the workload does not need, and gives it its share of the node.</summary>
    /// <param name="service">The objects of the workload.</param>
    /// <param name="uid">User of the image, and group of its volumes.</param>
    /// <param name="share">Its share of the node.</param>
    /// <param name="gracePeriodSeconds">How long it may take to stop.</param>
    /// <param name="scratch">Folders that it writes to, apart from its volume. Gone with the pod.</param>
    public static ContainerV1 Harden(
        this KubernetesResource service, long uid, NodeShare share, long gracePeriodSeconds, params string[] scratch)
    {
        var pod = service.Workload!.PodTemplate.Spec;
        var container = pod.Containers[0];
        pod.AutomountServiceAccountToken = false;
        pod.EnableServiceLinks = false;
        pod.TerminationGracePeriodSeconds = gracePeriodSeconds;
        pod.SecurityContext ??= new PodSecurityContextV1();
        pod.SecurityContext.RunAsNonRoot = true;
        pod.SecurityContext.RunAsUser = uid;
        pod.SecurityContext.RunAsGroup = uid;
        pod.SecurityContext.FsGroup = uid;
        // RabbitMQ refuses a cookie that its group may read: the group is set once, not at each start.
        pod.SecurityContext.FsGroupChangePolicy = "OnRootMismatch";
        pod.SecurityContext.SeccompProfile = new SeccompProfileV1 { Type = "RuntimeDefault" };
        container.SecurityContext = new SecurityContextV1
        {
            AllowPrivilegeEscalation = false,
            Privileged = false,
            ReadOnlyRootFilesystem = true,
            RunAsNonRoot = true,
            Capabilities = new CapabilitiesV1 { Drop = { "ALL" } },
        };
        container.Resources = new ResourceRequirementsV1
        {
            Requests = { ["cpu"] = share.CpuRequest, ["memory"] = share.MemoryRequest },
            Limits = { ["cpu"] = share.CpuLimit, ["memory"] = share.MemoryLimit },
        };
        for (var i = 0; i < scratch.Length; i++)
        {
            service.Mount(scratch[i], new() { Name = $"scratch-{i}", EmptyDir = new() { SizeLimit = "128Mi" } });
        }

        var probes = new[] { container.StartupProbe, container.ReadinessProbe, container.LivenessProbe };
        foreach (var http in probes.Select(probe => probe?.HttpGet).OfType<HttpGetActionV1>())
        {
            // Written as the endpoint's scheme; the API server takes capitals only (microsoft/aspire#18271).
            http.Scheme = "HTTP";
        }

        return container;
    }

    /// <summary>
    /// Memory that processes share. A container has 64 MiB of it unless a volume says otherwise, too little for queries that PostgreSQL
    /// divides among processes. What is in use counts as memory of the pod.
    /// </summary>
    public static void ShareMemory(this KubernetesResource service, string size) =>
        service.Mount("/dev/shm", new() { Name = "shared-memory", EmptyDir = new() { Medium = "Memory", SizeLimit = size } });

    /// <summary>A server's certificate and key, which its user alone may read.</summary>
    public static void MountCertificate(this KubernetesResource service)
    {
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.GroupRead;
        SecretVolumeSourceV1 secret = new() { DefaultMode = (int)Mode, SecretName = TlsSecret(service.Name) };
        service.Mount(ServerTls.FolderOf(service.Name), new() { Name = "tls", Secret = secret });
    }

    /// <summary>What verifies a server, and nothing else of its secret.</summary>
    public static void MountAuthority(this KubernetesResource service, string server)
    {
        SecretVolumeSourceV1 secret = new() { SecretName = TlsSecret(server) };
        secret.Items.Add(new() { Key = "ca.crt", Path = Path.GetFileName(ServerTls.AuthorityOf(server)) });
        service.Mount(ServerTls.FolderOf(server), new() { Name = $"{server}-authority", Secret = secret });
    }

    private static string TlsSecret(string server) => $"{{{{ .Values.config.{server}.tls_secret | default `{server}-tls` }}}}";

    private static void Mount(this KubernetesResource service, string path, VolumeV1 volume)
    {
        var pod = service.Workload!.PodTemplate.Spec;
        pod.Volumes.Add(volume);
        pod.Containers[0].VolumeMounts.Add(
            new VolumeMountV1 { Name = volume.Name, MountPath = path, ReadOnly = volume.Secret is null ? null : true });
    }

    /// <summary>Over zones and nodes, as far as there are some.</summary>
    public static void Spread(this KubernetesResource service)
    {
        var pod = service.Workload!.PodTemplate;
        foreach (var key in new[] { "topology.kubernetes.io/zone", "kubernetes.io/hostname" })
        {
            pod.Spec.TopologySpreadConstraints.Add(new TopologySpreadConstraintV1
            {
                MaxSkew = 1,
                TopologyKey = key,
                WhenUnsatisfiable = "ScheduleAnyway",
                LabelSelector = new LabelSelectorV1(new Dictionary<string, string>(pod.Metadata.Labels)),
                MatchLabelKeys = { "pod-template-hash" },
            });
        }
    }

    /// <summary>
    /// No <c>latest</c>: a node keeps what it has pulled under a tag, so pods of one release could be of two programs. An image without
    /// another tag or a digest ends the installation with a line that names the value.
    /// </summary>
    public static void RequireImage(this KubernetesResource service)
    {
        var container = service.Workload!.PodTemplate.Spec.Containers[0];
        container.Image = ImageValue().Replace(container.Image, match =>
            $"{{{{ required `Set {match.Groups[1].Value[8..]}: an image with a digest, or with a tag other than latest.` "
            + $"(regexFind `^.+[:@][^/]+$` (trimSuffix `:latest` (toString {match.Groups[1].Value}))) }}}}");
    }

    /// <summary>A missing secret, or a password that breaks a URI, ends the installation with a line that names it.</summary>
    public static void RequireSecrets(this KubernetesResource service)
    {
        foreach (var (name, text) in service.Secret!.StringData.ToArray())
        {
            service.Secret.StringData[name] = SecretValue().Replace(text, match =>
            {
                var value = match.Groups[1].Value;
                return value.EndsWith("_password", StringComparison.Ordinal) || value.EndsWith("_key", StringComparison.Ordinal)
                    ? $"{{{{ required `Set {value[8..]}: letters and digits, digits alone in quotes.` "
                        + $"(regexFind `^[A-Za-z0-9]+$` (toString {value})) }}}}"
                    : $"{{{{ required `Set {value[8..]}.` {KubernetesChart.AsText($"({value} | default ``)")} }}}}";
            });
        }
    }

    /// <summary>Pods do not see that their configuration has changed; a changed annotation replaces them.</summary>
    public static void RestartOnChange(this KubernetesResource service)
    {
        var annotations = service.Workload!.PodTemplate.Metadata.Annotations;
        foreach (var file in (string[])["config", "secrets"])
        {
            annotations[$"checksum/{file}"] = $"{{{{ include (print $.Template.BasePath `/{service.Name}/{file}.yaml`) . | sha256sum }}}}";
        }
    }

    public static ProbeV1 Exec(int periodSeconds, int failureThreshold, params string[] command)
    {
        var probe = new ProbeV1
        {
            PeriodSeconds = periodSeconds,
            TimeoutSeconds = 15,
            FailureThreshold = failureThreshold,
            Exec = new ExecActionV1(),
        };
        probe.Exec.Command.AddRange(command);
        return probe;
    }

    [GeneratedRegex(@"\{\{ (\.Values\.(?:parameters|config)\.[A-Za-z0-9_.]+) \}\}")]
    private static partial Regex ImageValue();

    [GeneratedRegex(@"\{\{ (\.Values\.secrets\.[A-Za-z0-9_.]+) \}\}")]
    private static partial Regex SecretValue();
}

using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;
using Spec = System.Collections.Generic.Dictionary<string, object>;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// A model of which the real packages, version 13.5.2, wrote the chart in <c>Sample/</c>. What the services are does not
/// matter: only names, variables and objects come out.
/// </summary>
internal static class SampleModel
{
    public static void Build(IDistributedApplicationBuilder builder)
    {
        var password = () => new GenerateParameterDefault { MinLength = 32, Special = false };
        var postgresPassword = builder.AddParameter("postgres-password", password(), secret: true);
        var rabbitPassword = builder.AddParameter("rabbitmq-password", password(), secret: true);
        var rabbitUser = builder.AddParameter("rabbitmq-username", "tickets", publishValueAsDefault: true);
        var signingKey = builder.AddParameter("signing-key", password(), secret: true);
        var maxUpload = builder.AddParameter("max-upload-mb", "25", publishValueAsDefault: true);
        var collector = builder.AddParameter(
            "otlp-endpoint", "http://otel-collector.observability.svc.cluster.local:4317", publishValueAsDefault: true);
        var k8s = builder.AddKubernetesEnvironment("k8s").WithDashboard(enabled: false).WithHelm(helm => helm
            .WithChartName("tickets")
            .WithChartVersion("1.0.0")
            .WithChartDescription("Tickets")
            .WithReleaseName("tickets")
            .WithNamespace("tickets"));

        var rabbitmq = builder.AddRabbitMQ("rabbitmq", rabbitUser, rabbitPassword)
            .WithManagementPlugin()
            .WithDataVolume("tickets-rabbitmq-data")
            .WithEnvironment("RABBITMQ_NODENAME", "rabbitmq@localhost")
            .WithPersistentVolume(Volume(k8s, "tickets-rabbitmq-data", "10Gi"))
            .PublishAsKubernetesService(service =>
            {
                var container = Server(service, "rabbitmq-service", "/tmp");
                container.StartupProbe = Exec(10, 30, "rabbitmq-diagnostics", "-q", "check_running");
                container.ReadinessProbe = Exec(15, 3, "rabbitmq-diagnostics", "-q", "check_port_connectivity");
                container.LivenessProbe = Exec(60, 3, "rabbitmq-diagnostics", "-q", "ping");
                service.AdditionalResources.Add(Network("rabbitmq", 5672, Pods("api"), Pods("worker"), Namespace("keda")));
            });
        var postgres = builder.AddPostgres("postgres", password: postgresPassword).WithDataVolume("tickets-postgres-data")
            .WithEnvironment("POSTGRES_DB", "tickets")
            .WithPersistentVolume(Volume(k8s, "tickets-postgres-data", "50Gi"))
            .PublishAsKubernetesService(service =>
            {
                var container = Server(service, "postgres-service", "/tmp", "/var/run/postgresql");
                container.ReadinessProbe = Exec(10, 3, "pg_isready", "-U", "postgres", "-d", "tickets");
                container.LivenessProbe = Exec(20, 3, "pg_isready", "-U", "postgres", "-d", "tickets");
                service.AdditionalResources.Add(Network("postgres", 5432, Pods("api")));
            });
        var tickets = postgres.AddDatabase("tickets");

        var api = Probes(builder.AddProject<Projects.TicketApp_Api>("api").WithReference(tickets).WithReference(rabbitmq))
            .WithEnvironment("Tickets__SigningKey", signingKey)
            .WithEnvironment("Tickets__MaxUploadMb", maxUpload)
            .WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", collector).WithEnvironment("OTEL_SERVICE_NAME", "api")
            .WithExternalHttpEndpoints()
            .PublishAsKubernetesService(service =>
            {
                var container = Service(service, gracePeriodSeconds: 45);
                container.Lifecycle = new LifecycleV1
                {
                    PreStop = new LifecycleHandlerV1
                    {
                        Sleep = new SleepActionV1 { Seconds = 10 },
                        Exec = null!,
                        HttpGet = null!,
                        TcpSocket = null!,
                    },
                };
                service.AdditionalResources.AddRange(
                    [Budget("api", "minAvailable"), SampleObjects.Autoscaler(), Network("api", 8080, Namespace("ingress-nginx"))]);
            });
        Probes(builder.AddProject<Projects.TicketApp_Worker>("worker").WithReference(rabbitmq)).WithReplicas(2)
            .WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", collector).WithEnvironment("OTEL_SERVICE_NAME", "worker")
            .PublishAsKubernetesService(service =>
            {
                Service(service, gracePeriodSeconds: 480);
                service.AdditionalResources.AddRange(
                    [Budget("worker", "maxUnavailable"), Network("worker"), .. SampleObjects.QueueScaler()]);
            });

        k8s.AddIngress("public").WithIngressClass("nginx").WithHostname("tickets.example.com").WithTls("tickets-tls")
            .WithPath("tickets.example.com", "/", api.GetEndpoint("http"));
    }

    private static IResourceBuilder<KubernetesPersistentVolumeResource> Volume(
        IResourceBuilder<KubernetesEnvironmentResource> k8s, string name, string capacity) =>
        k8s.AddPersistentVolume(name)
            .WithCapacity(capacity)
            .WithAccessMode(PersistentVolumeAccessMode.ReadWriteOnce)
            .WithVolumeAnnotation("helm.sh/resource-policy", "keep");

    private static IResourceBuilder<ProjectResource> Probes(IResourceBuilder<ProjectResource> project) => project
        .WithHttpProbe(ProbeType.Readiness, "/health", 0, 10, 3, 3, endpointName: "http")
        .WithHttpProbe(ProbeType.Liveness, "/alive", 0, 10, 3, 6, endpointName: "http")
        .WithAnnotation(new EndpointProbeAnnotation
        {
            Type = ProbeType.Startup,
            EndpointReference = project.GetEndpoint("http"),
            Path = "/alive",
            InitialDelaySeconds = 1,
            PeriodSeconds = 2,
            TimeoutSeconds = 3,
            FailureThreshold = 60,
            SuccessThreshold = 1,
        });

    private static ContainerV1 Server(KubernetesResource service, string name, params string[] scratch)
    {
        ((StatefulSet)service.Workload!).Spec.ServiceName = name;
        return Harden(service, uid: 999, memory: "512Mi", limit: "1Gi", gracePeriodSeconds: 120, scratch);
    }

    private static ContainerV1 Service(KubernetesResource service, long gracePeriodSeconds)
    {
        var deployment = (Deployment)service.Workload!;
        deployment.Spec.Replicas = null;
        deployment.Spec.Strategy.RollingUpdate.MaxUnavailable = 0;
        foreach (var key in (string[])["topology.kubernetes.io/zone", "kubernetes.io/hostname"])
        {
            deployment.PodTemplate.Spec.TopologySpreadConstraints.Add(new TopologySpreadConstraintV1
            {
                MaxSkew = 1,
                TopologyKey = key,
                WhenUnsatisfiable = "ScheduleAnyway",
                LabelSelector = new LabelSelectorV1(new(deployment.PodTemplate.Metadata.Labels)),
                MatchLabelKeys = { "pod-template-hash" },
            });
        }

        return Harden(service, uid: 1654, memory: "256Mi", limit: "512Mi", gracePeriodSeconds, "/tmp");
    }

    private static ContainerV1 Harden(
        KubernetesResource service, long uid, string memory, string limit, long gracePeriodSeconds, params string[] scratch)
    {
        var pod = service.Workload!.PodTemplate.Spec;
        (pod.AutomountServiceAccountToken, pod.EnableServiceLinks, pod.TerminationGracePeriodSeconds) = (false, false, gracePeriodSeconds);
        pod.SecurityContext = new PodSecurityContextV1
        {
            RunAsNonRoot = true,
            RunAsUser = uid,
            RunAsGroup = uid,
            FsGroup = uid,
            FsGroupChangePolicy = "OnRootMismatch",
            SeccompProfile = new SeccompProfileV1 { Type = "RuntimeDefault" },
        };
        var container = pod.Containers[0];
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
            Requests = { ["cpu"] = "250m", ["memory"] = memory },
            Limits = { ["memory"] = limit },
        };
        for (var i = 0; i < scratch.Length; i++)
        {
            pod.Volumes.Add(new VolumeV1 { Name = $"scratch-{i}", EmptyDir = new EmptyDirVolumeSourceV1 { SizeLimit = "128Mi" } });
            container.VolumeMounts.Add(new VolumeMountV1 { Name = $"scratch-{i}", MountPath = scratch[i] });
        }

        var probes = new[] { container.StartupProbe, container.ReadinessProbe, container.LivenessProbe };
        foreach (var probe in probes.Where(probe => probe is not null))
        {
            probe!.HttpGet!.Scheme = "HTTP";
        }

        return container;
    }

    private static ProbeV1 Exec(int periodSeconds, int failureThreshold, params string[] command)
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

    private static SampleManifest Budget(string component, string rule) =>
        new("policy/v1", "PodDisruptionBudget", $"{component}-pdb", new Spec
        {
            [rule] = 1,
            ["selector"] = SampleObjects.Labels(component),
        });

    private static SampleManifest Network(string component, int? port = null, params Spec[] peers) =>
        SampleObjects.NetworkPolicy(component, port, peers);

    private static Spec Pods(string component) => new() { ["podSelector"] = SampleObjects.Labels(component) };

    private static Spec Namespace(string name) => new()
    {
        ["namespaceSelector"] = new Spec { ["matchLabels"] = new Spec { ["kubernetes.io/metadata.name"] = name } },
    };
}

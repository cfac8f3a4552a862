using System.Globalization;
using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;
using TicketApp.AppHost.Servers;
using static TicketApp.AppHost.Deployment.KubernetesObjects;
using Workload = Aspire.Hosting.Kubernetes.Resources.Deployment;

namespace TicketApp.AppHost.Deployment;

/// <summary>A Helm chart. It expects what takes callers in, KEDA, a metrics server and a network plug-in that enforces policies.</summary>
internal static class Kubernetes
{
    private const long AppUser = 1654; // Of the .NET images.
    private const int DrainSeconds = 10; // Until nothing routes to a pod that is going away.

    public static void DeployToKubernetes(
        this IDistributedApplicationBuilder builder,
        DeploymentOptions options,
        IResourceBuilder<ProjectResource> api,
        IResourceBuilder<ProjectResource> worker)
    {
        var k8s = builder.AddKubernetesEnvironment("k8s").WithDashboard(enabled: false).WithHelm(helm => helm
            .WithChartName("ticketapp").WithChartVersion("1.0.0")
            .WithChartDescription("Tickets in, answers of a machine-learning model out")
            .WithReleaseName("ticketapp").WithNamespace("ticketapp"));
        DeployApi(options, api);
        DeployWorker(options, worker);
        api.ChartSecret("tickets-password");
        api.ChartSecret("rabbitmq-password");
        api.ChartParameter("rabbitmq-username");
        worker.ChartSecret("rabbitmq-worker-password");
        builder.FinishChart(k8s.Resource.Name);
        api.ChartText("prometheus-release", "");
        api.ChartText("runbooks", "");
        if (builder.Resources.OfType<PostgresServerResource>().SingleOrDefault() is { } postgres)
        {
            DeployPostgres(k8s, builder.CreateResourceBuilder(postgres));
            api.PublishAsKubernetesService(service => service.MountAuthority(postgres.Name));
        }

        if (builder.Resources.OfType<RabbitMQServerResource>().SingleOrDefault() is { } rabbitmq)
        {
            DeployRabbitMq(k8s, builder.CreateResourceBuilder(rabbitmq));
            api.PublishAsKubernetesService(service => service.MountAuthority(rabbitmq.Name));
            worker.PublishAsKubernetesService(service => service.MountAuthority(rabbitmq.Name));
        }
    }

    private static void DeployApi(DeploymentOptions options, IResourceBuilder<ProjectResource> api)
    {
        var min = api.ChartNumber("min-api-replicas", options.MinApiReplicas);
        var max = api.ChartNumber("max-api-replicas", options.MaxApiReplicas);
        // Of the templates in Chart/.
        api.ChartText("expose", "gateway");
        api.ChartText("public-host", options.PublicHost ?? "ticketapp.example.com");
        api.ChartText("tls-secret", "ticketapp-tls");
        api.ChartText("public-annotations", "");
        api.ChartText("gateway-class", "eg");
        api.ChartText("gateway-name", "");
        api.ChartText("gateway-namespace", "");
        api.ChartText("gateway-section", "https");
        api.ChartText("ingress-class", "nginx");
        var keda = api.ChartText("keda-namespace", "keda").Trim('{', '}', ' ');
        var peers = new[]
        {
            Namespace(api.ChartText("ingress-namespace", "envoy-gateway-system")),
            // Load balancers of clouds are no pods.
            KubernetesEgress.AddressesOrNone(api.ChartText("ingress-cidr", "")),
            // Without KEDA, no namespace.
            Namespace($"{{{{ ternary `` {KubernetesChart.AsText(keda)} (eq .Values.config.worker.scaler `none`) }}}}"),
        };
        var egress = KubernetesEgress.OfApi(options, api);
        var share = api.ChartShare(new("250m", "192Mi", "2", "512Mi"));

        api.PublishAsKubernetesService(service =>
        {
            Roll(service);
            var container = service.Harden(AppUser, share, gracePeriodSeconds: DrainSeconds + 35, "/tmp");
            // Requests still come for a moment after the pod was told to go: it stops when none do. Needs Kubernetes 1.30.
            container.Lifecycle = new LifecycleV1
            {
                PreStop = new LifecycleHandlerV1
                {
                    Sleep = new SleepActionV1 { Seconds = DrainSeconds },
                    Exec = null!,
                    HttpGet = null!,
                    TcpSocket = null!,
                },
            };
            service.AdditionalResources.AddRange(
            [
                DisruptionBudget("api"),
                CpuScaler("api", min, max, utilization: 70),
                AllowIngress("api", "{{ .Values.parameters.api.port_http | int }}", peers).AllowEgress(egress),
            ]);
        });
    }

    private static void DeployWorker(DeploymentOptions options, IResourceBuilder<ProjectResource> worker)
    {
        // Of the templates in Chart/.
        worker.ChartText("scaler", "keda");
        worker.ChartNumber("min-workers", options.MinWorkers);
        worker.ChartNumber("max-workers", options.MaxWorkers);
        var egress = KubernetesEgress.OfWorker(options, worker, worker.ApplicationBuilder.HasModelEndpoint());
        var share = worker.ChartShare(new("250m", "192Mi", "2", "768Mi"));
        worker.PublishAsKubernetesService(service =>
        {
            Roll(service);
            service.Harden(AppUser, share, options.WorkerGraceSeconds, "/tmp");
            service.AdditionalResources.AddRange([DisruptionBudget("worker"), DenyIngress("worker").AllowEgress(egress)]);
        });
    }

    private static void DeployPostgres(
        IResourceBuilder<KubernetesEnvironmentResource> k8s, IResourceBuilder<PostgresServerResource> postgres)
    {
        var share = postgres.ChartShare(new("500m", "512Mi", "4", "1Gi"));
        postgres.ChartText("tls-secret", "");
        postgres.ChartText("storage-class", "");
        var image = postgres.ChartImage();
        postgres.WithPersistentVolume(KeptVolume(k8s, "ticketapp-postgres-data", postgres.ChartText("storage", "50Gi")))
            .PublishAsKubernetesService(service =>
            {
                ((StatefulSet)service.Workload!).Spec.ServiceName = "postgres-service";
                string[] scratch = ["/tmp", "/var/run/postgresql", "/docker-entrypoint-initdb.d"];
                var container = service.Harden(ServerTls.ServerUser, share, gracePeriodSeconds: 120, scratch);
                container.Image = image;
                service.RequireImage();
                service.MountCertificate();
                service.ShareMemory("256Mi");
                string[] isReady = ["pg_isready", "-U", "postgres", "-d", ServerResources.DatabaseName];
                // Recovery after a crash takes its time, and must not be cut short.
                container.StartupProbe = KubernetesHardening.Exec(periodSeconds: 5, failureThreshold: 360, isReady);
                container.ReadinessProbe = KubernetesHardening.Exec(periodSeconds: 10, failureThreshold: 3, isReady);
                container.LivenessProbe = KubernetesHardening.Exec(periodSeconds: 20, failureThreshold: 6, isReady);
                service.RequireSecrets();
                service.AdditionalResources.Add(AllowIngress("postgres", 5432, Pods("api")));
            });
    }

    private static void DeployRabbitMq(
        IResourceBuilder<KubernetesEnvironmentResource> k8s, IResourceBuilder<RabbitMQServerResource> rabbitmq)
    {
        var share = rabbitmq.ChartShare(new("500m", "512Mi", "2", "1Gi"));
        rabbitmq.ChartText("tls-secret", "");
        rabbitmq.ChartText("storage-class", "");
        var image = rabbitmq.ChartImage();
        rabbitmq.WithPersistentVolume(KeptVolume(k8s, "ticketapp-rabbitmq-data", rabbitmq.ChartText("storage", "10Gi")))
            .PublishAsKubernetesService(service =>
            {
                ((StatefulSet)service.Workload!).Spec.ServiceName = "rabbitmq-service";
                var container = service.Harden(ServerTls.ServerUser, share, gracePeriodSeconds: 120, "/tmp");
                container.Image = image;
                service.RequireImage();
                service.MountCertificate();
                container.StartupProbe = KubernetesHardening.Exec(
                    periodSeconds: 10, failureThreshold: 60, "rabbitmq-diagnostics", "-q", "check_running");
                container.ReadinessProbe = KubernetesHardening.Exec(
                    periodSeconds: 15, failureThreshold: 3, "rabbitmq-diagnostics", "-q", "check_port_connectivity");
                container.LivenessProbe = KubernetesHardening.Exec(
                    periodSeconds: 60, failureThreshold: 3, "rabbitmq-diagnostics", "-q", "ping");
                service.RequireSecrets();
                service.AdditionalResources.Add(AllowIngress("rabbitmq", ServerTls.BrokerPort, Pods("api"), Pods("worker")));
            });
    }

    /// <summary>A new pod is ready before an old one goes, and how many there are is the scaler's business.</summary>
    private static void Roll(KubernetesResource service)
    {
        var workload = (Workload)service.Workload!;
        workload.Spec.Replicas = null;
        workload.Spec.Strategy.RollingUpdate.MaxUnavailable = 0;
        service.Spread();
        service.RequireImage();
        service.RequireSecrets();
        service.RestartOnChange();
    }

    /// <summary>The claim is part of the chart; the annotation keeps it, and the data, when the chart is uninstalled.</summary>
    private static IResourceBuilder<KubernetesPersistentVolumeResource> KeptVolume(
        IResourceBuilder<KubernetesEnvironmentResource> k8s,
        string name,
        string capacity) => k8s.AddPersistentVolume(name)
        .WithCapacity(capacity)
        .WithAccessMode(PersistentVolumeAccessMode.ReadWriteOnce)
        .WithVolumeAnnotation("helm.sh/resource-policy", "keep");

    public static string ChartNumber(this IResourceBuilder<ProjectResource> project, string name, int value) =>
        project.ChartText(name, value.ToString(CultureInfo.InvariantCulture)).Replace(" }}", " | int }}", StringComparison.Ordinal);

    /// <summary>
    /// A value of the chart alone, which a site may change: values.yaml lists what a service has as variables, so it is one until just
    /// before it is written. Two services may have one of a name, each its own.
    /// </summary>
    /// <returns>The value as templates name it.</returns>
    public static string ChartText<T>(this IResourceBuilder<T> service, string name, string value)
        where T : IResourceWithEnvironment, IComputeResource
    {
        service.WithEnvironment(name, value).PublishAsKubernetesService(objects => objects.ConfigMap!.Data.Remove(name));
        return $"{{{{ .Values.config.{service.Resource.Name}.{name.Replace('-', '_')} }}}}";
    }

    /// <summary>The image of a server, which a site may have in a registry of its own.</summary>
    private static string ChartImage<T>(this IResourceBuilder<T> server)
        where T : IResourceWithEnvironment, IComputeResource =>
        server.ChartText("image", server.Resource.TryGetContainerImageName(out var image) ? image : "");

    /// <summary>What a pod has of its node, as values of the chart.</summary>
    private static NodeShare ChartShare<T>(this IResourceBuilder<T> service, NodeShare share)
        where T : IResourceWithEnvironment, IComputeResource => new(
            service.ChartText("cpu-request", share.CpuRequest),
            service.ChartText("memory-request", share.MemoryRequest),
            service.ChartText("cpu-limit", share.CpuLimit),
            service.ChartText("memory-limit", share.MemoryLimit));

    /// <summary>
    /// A secret that stands only within a connection string: values.yaml lists none of these, so it is a variable until just before it is
    /// written.
    /// </summary>
    private static void ChartSecret(this IResourceBuilder<ProjectResource> project, string name) =>
        project.ChartParameter(name, service => service.Secret!.StringData.Remove(name));

    /// <summary>A parameter that stands only within a connection string, which is no secret.</summary>
    private static void ChartParameter(this IResourceBuilder<ProjectResource> project, string name) =>
        project.ChartParameter(name, service => service.ConfigMap!.Data.Remove(name));

    private static void ChartParameter(this IResourceBuilder<ProjectResource> project, string name, Action<KubernetesResource> remove)
    {
        var builder = project.ApplicationBuilder;
        if (builder.Resources.OfType<ParameterResource>().SingleOrDefault(parameter => parameter.Name == name) is { } found)
        {
            project.WithEnvironment(name, builder.CreateResourceBuilder(found)).PublishAsKubernetesService(remove);
        }
    }
}

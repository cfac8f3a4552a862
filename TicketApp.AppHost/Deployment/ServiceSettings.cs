using System.Globalization;
using TicketApp.AppHost.Servers;

namespace TicketApp.AppHost.Deployment;

/// <summary>What the services get wherever they are published.</summary>
internal static class ServiceSettings
{
    /// <summary>What the workers scale on, in the answer of <c>/v1/stats</c>: queued and running tickets together.</summary>
    public const string BacklogField = "open";

    // Each target lets only its proxy reach the API: the ingress controller, the environment's ingress, what forwards to the host's
    // loopback port. All have private or shared addresses, which differ from site to site.
    private const string ProxyNetworks = "10.0.0.0/8,100.64.0.0/10,172.16.0.0/12,192.168.0.0/16,fc00::/7";

    /// <summary>
    /// Published, references are connection strings alone: their parts would be variables too, and so every password one that nothing
    /// reads. Comes before the references.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithConnectionStrings(this IResourceBuilder<ProjectResource> project) =>
        project.ApplicationBuilder.ExecutionContext.IsPublishMode
            ? project.WithReferenceEnvironment(ReferenceEnvironmentInjectionFlags.ConnectionString)
            : project;

    /// <summary>
    /// A probe of each type. The startup probe is an annotation: WithHttpProbe also adds a health check of its
    /// path, and refuses the second of one path.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithProbes(this IResourceBuilder<ProjectResource> project) => project
        .WithHttpProbe(
            ProbeType.Readiness, "/health",
            initialDelaySeconds: 0, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3, endpointName: "http")
        .WithHttpProbe(
            ProbeType.Liveness, "/alive",
            initialDelaySeconds: 0, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6, endpointName: "http")
        .WithAnnotation(new EndpointProbeAnnotation
        {
            Type = ProbeType.Startup,
            EndpointReference = project.GetEndpoint("http"),
            Path = "/alive",
            InitialDelaySeconds = 1,
            PeriodSeconds = 2,
            TimeoutSeconds = 5,
            FailureThreshold = 60,
            SuccessThreshold = 1,
        });

    public static void PublishSettings(
        this IDistributedApplicationBuilder builder,
        DeploymentOptions options,
        IResourceBuilder<ProjectResource> api,
        IResourceBuilder<ProjectResource> worker)
    {
        // Empty: telemetry goes nowhere until a site says where.
        var collector = builder.AddParameter("otlp-endpoint", "", publishValueAsDefault: true);
        foreach (var project in (IResourceBuilder<ProjectResource>[])[api, worker])
        {
            project.WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", collector).WithEnvironment("OTEL_SERVICE_NAME", project.Resource.Name);
        }

        // Strangers get no users: limits of one user protect nothing where users cost nothing.
        api.WithEnvironment("Auth__Mode", "keys").WithEnvironment("Auth__SignUp", "admin")
            .WithEnvironment("Auth__AdminKeys__0", builder.AddPassword("admin-key"))
            .WithEnvironment("Webhooks__SecretKey", builder.AddPassword("webhook-secret-key"))
            .WithEnvironment("Proxies__KnownNetworks", ProxyNetworks);
        worker.WithEnvironment("Worker__Concurrency", builder.AddNumber("worker-slots", options.WorkerConcurrency))
            .WithEnvironment("Worker__DrainTimeout", options.WorkerDrainTimeout.ToString("c", CultureInfo.InvariantCulture));
    }

    /// <summary>A number that a site may change in the published output.</summary>
    public static IResourceBuilder<ParameterResource> AddNumber(this IDistributedApplicationBuilder builder, string name, int value) =>
        builder.AddParameter(name, value.ToString(CultureInfo.InvariantCulture), publishValueAsDefault: true);
}

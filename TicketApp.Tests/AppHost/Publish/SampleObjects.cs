using Aspire.Hosting.Kubernetes.Resources;
using Spec = System.Collections.Generic.Dictionary<string, object>;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>The sample's objects of kinds without a class.</summary>
internal static class SampleObjects
{
    public static SampleManifest Autoscaler() => new("autoscaling/v2", "HorizontalPodAutoscaler", "api-hpa", new Spec
    {
        ["scaleTargetRef"] = new Spec { ["apiVersion"] = "apps/v1", ["kind"] = "Deployment", ["name"] = "api-deployment" },
        ["minReplicas"] = 2,
        ["maxReplicas"] = 10,
        ["metrics"] = new[]
        {
            new Spec
            {
                ["type"] = "Resource",
                ["resource"] = new Spec
                {
                    ["name"] = "cpu",
                    ["target"] = new Spec { ["type"] = "Utilization", ["averageUtilization"] = 70 },
                },
            },
        },
    });

    public static BaseKubernetesResource[] QueueScaler() =>
    [
        new Secret
        {
            Metadata = { Name = "worker-keda" },
            StringData =
            {
                ["host"] =
                    "amqp://{{ .Values.config.worker.rabbitmq_username | urlquery }}"
                    + ":{{ .Values.secrets.worker.rabbitmq_password | urlquery }}"
                    + "@rabbitmq-service.{{ .Release.Namespace }}.svc.cluster.local:5672/",
            },
        },
        new SampleManifest("keda.sh/v1alpha1", "TriggerAuthentication", "worker-rabbitmq", new Spec
        {
            ["secretTargetRef"] = new[] { new Spec { ["parameter"] = "host", ["name"] = "worker-keda", ["key"] = "host" } },
        }),
        new SampleManifest("keda.sh/v1alpha1", "ScaledObject", "worker-scaler", new Spec
        {
            ["scaleTargetRef"] = new Spec { ["name"] = "worker-deployment" },
            ["minReplicaCount"] = 1,
            ["maxReplicaCount"] = 20,
            ["pollingInterval"] = 15,
            ["cooldownPeriod"] = 300,
            ["fallback"] = new Spec { ["failureThreshold"] = 3, ["replicas"] = 2 },
            ["triggers"] = new[]
            {
                new Spec
                {
                    ["type"] = "rabbitmq",
                    ["metadata"] = new Spec
                    {
                        ["protocol"] = "amqp",
                        ["queueName"] = "tickets",
                        ["mode"] = "QueueLength",
                        ["value"] = "20",
                    },
                    ["authenticationRef"] = new Spec { ["name"] = "worker-rabbitmq" },
                },
            },
        }),
    ];

    public static SampleManifest NetworkPolicy(string component, int? port, Spec[] peers)
    {
        var spec = new Spec { ["podSelector"] = Labels(component), ["policyTypes"] = new[] { "Ingress" } };
        if (port is { } number)
        {
            var ports = new[] { new Spec { ["protocol"] = "TCP", ["port"] = number } };
            spec["ingress"] = new[] { new Spec { ["from"] = peers, ["ports"] = ports } };
        }

        return new("networking.k8s.io/v1", "NetworkPolicy", $"{component}-network", spec);
    }

    public static Spec Labels(string component) => new()
    {
        ["matchLabels"] = new Spec
        {
            ["app.kubernetes.io/name"] = "{{ .Chart.Name }}",
            ["app.kubernetes.io/component"] = component,
            ["app.kubernetes.io/instance"] = "{{ .Release.Name }}",
        },
    };
}

internal sealed class SampleManifest : BaseKubernetesResource
{
    public SampleManifest(string apiVersion, string kind, string name, Spec spec)
        : base(apiVersion, kind)
    {
        Metadata.Name = name;
        Spec = spec;
    }

    public Spec Spec { get; }
}

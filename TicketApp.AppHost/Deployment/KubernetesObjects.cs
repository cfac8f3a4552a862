using Yaml = System.Collections.Generic.Dictionary<string, object>;

namespace TicketApp.AppHost.Deployment;

/// <summary>The objects beside workloads, services and configuration.</summary>
internal static class KubernetesObjects
{
    private static readonly string[] _policyTypes = ["Ingress", "Egress"];

    /// <summary>One at a time: a node can always be emptied, however few replicas there are.</summary>
    public static KubernetesManifest DisruptionBudget(string component) =>
        new("policy/v1", "PodDisruptionBudget", $"{component}-pdb", new Yaml
        {
            ["maxUnavailable"] = 1,
            ["selector"] = MatchLabels(component),
        });

    public static KubernetesManifest CpuScaler(string component, string floor, string ceiling, int utilization) =>
        new("autoscaling/v2", "HorizontalPodAutoscaler", $"{component}-hpa", new Yaml
        {
            ["scaleTargetRef"] = new Yaml { ["apiVersion"] = "apps/v1", ["kind"] = "Deployment", ["name"] = $"{component}-deployment" },
            ["minReplicas"] = floor,
            ["maxReplicas"] = ceiling,
            ["metrics"] = new[]
            {
                new Yaml
                {
                    ["type"] = "Resource",
                    ["resource"] = new Yaml
                    {
                        ["name"] = "cpu",
                        ["target"] = new Yaml { ["type"] = "Utilization", ["averageUtilization"] = utilization },
                    },
                },
            },
        });

    public static KubernetesManifest AllowIngress(string component, object port, params Yaml[] peers) => NetworkPolicy(component, new Yaml
    {
        ["from"] = peers,
        ["ports"] = new[] { new Yaml { ["protocol"] = "TCP", ["port"] = port } },
    });

    /// <summary>Nothing gets in but the kubelet's probes, which no policy stops.</summary>
    public static KubernetesManifest DenyIngress(string component) => NetworkPolicy(component);

    /// <summary>What its pods may reach. A policy to which this adds nothing lets them reach nothing.</summary>
    public static KubernetesManifest AllowEgress(this KubernetesManifest policy, params Yaml[] rules)
    {
        policy.Spec["egress"] = rules;
        return policy;
    }

    public static Yaml Pods(string component) => new() { ["podSelector"] = MatchLabels(component) };

    public static Yaml Namespace(string name) => new()
    {
        ["namespaceSelector"] = new Yaml { ["matchLabels"] = new Yaml { ["kubernetes.io/metadata.name"] = name } },
    };

    private static KubernetesManifest NetworkPolicy(string component, params Yaml[] ingress)
    {
        var spec = new Yaml { ["podSelector"] = MatchLabels(component), ["policyTypes"] = _policyTypes };
        if (ingress.Length > 0)
        {
            spec["ingress"] = ingress;
        }

        return new("networking.k8s.io/v1", "NetworkPolicy", $"{component}-network", spec);
    }

    private static Yaml MatchLabels(string component) => new()
    {
        ["matchLabels"] = new Yaml
        {
            ["app.kubernetes.io/name"] = "{{ .Chart.Name }}",
            ["app.kubernetes.io/component"] = component,
            ["app.kubernetes.io/instance"] = "{{ .Release.Name }}",
        },
    };
}

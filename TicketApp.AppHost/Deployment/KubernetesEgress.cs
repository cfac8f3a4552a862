using TicketApp.AppHost.Servers;
using static TicketApp.AppHost.Deployment.KubernetesObjects;
using Yaml = System.Collections.Generic.Dictionary<string, object>;

namespace TicketApp.AppHost.Deployment;

/// <summary>
/// What the services may reach: everything else is closed to them in the network, whatever a caller or a model talks them into. Servers
/// that are somewhere else, collectors and private model endpoints are values of the chart.
/// </summary>
internal static class KubernetesEgress
{
    /// <summary>Of the documentation's addresses (RFC 5737), which nothing has. A policy cannot have no address where it has one.</summary>
    private const string NoAddress = "192.0.2.0/32";

    /// <summary>
    /// The public Internet, as the Api itself tells it from all else before it connects (PublicInternet; a test compares the two). What
    /// is left out are the metadata services of clouds, and the private addresses that pods, services and nodes have.
    /// </summary>
    private static Yaml[] PublicInternet =>
    [
        Addresses(
            "0.0.0.0/0",
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
            "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        Addresses("2000::/3", "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    ];

    /// <summary>Name servers, its servers, telemetry, and receivers of webhooks on the ports that the Api takes.</summary>
    public static Yaml[] OfApi(DeploymentOptions options, IResourceBuilder<ProjectResource> api) =>
    [
        Dns(api),
        options.ExternalPostgres
            ? ServerElsewhere(api, "postgres", api.ChartNumber("postgres-port", 5432))
            : To([Pods("postgres")], Tcp(5432)),
        Broker(options, api),
        Telemetry(api),
        To(PublicInternet, Tcp(80), Tcp(443), Tcp(1024, 65535)),
    ];

    /// <summary>Name servers, the broker, telemetry, and endpoints of models where there are any: by HTTPS, or at their address.</summary>
    public static Yaml[] OfWorker(DeploymentOptions options, IResourceBuilder<ProjectResource> worker, bool hasModelEndpoint) =>
    [
        Dns(worker),
        Broker(options, worker),
        Telemetry(worker),
        .. hasModelEndpoint ? (Yaml[])[To(PublicInternet, Tcp(443)), Elsewhere(worker, "model", new Yaml { ["protocol"] = "TCP" })] : [],
    ];

    /// <summary>The cluster's, and the cache that nodes may have at an address of their own.</summary>
    private static Yaml Dns(IResourceBuilder<ProjectResource> project) => To(
        [Namespace(project.ChartText("dns-namespace", "kube-system")), Addresses(project.ChartText("dns-cidr", "169.254.20.10/32"))],
        new Yaml { ["protocol"] = "UDP", ["port"] = 53 },
        Tcp(53));

    private static Yaml Broker(DeploymentOptions options, IResourceBuilder<ProjectResource> project) => options.ExternalRabbitMq
        ? ServerElsewhere(project, "rabbitmq", project.ChartNumber("rabbitmq-port", ServerTls.BrokerPort))
        : To([Pods("rabbitmq")], Tcp(ServerTls.BrokerPort));

    /// <summary>OTLP, by gRPC and by HTTP. Nowhere, until a site says where.</summary>
    private static Yaml Telemetry(IResourceBuilder<ProjectResource> project) => Elsewhere(project, "otlp", Tcp(4317), Tcp(4318));

    /// <summary>Something that is in another namespace or at other addresses, if a site says so.</summary>
    private static Yaml Elsewhere(IResourceBuilder<ProjectResource> project, string name, params Yaml[] ports)
    {
        var (cidr, @namespace) = Location(project, name);
        return To([Namespace($"{{{{ {@namespace} }}}}"), AddressesOrNone($"{{{{ {cidr} }}}}")], ports);
    }

    /// <summary>A server that is in another namespace or at other addresses. One of the two must be said.</summary>
    private static Yaml ServerElsewhere(IResourceBuilder<ProjectResource> project, string name, string port)
    {
        var (cidr, @namespace) = Location(project, name);
        var address = $"{{{{ required `Set {Named(cidr)} or {Named(@namespace)}.` "
            + $"(coalesce {KubernetesChart.AsText(cidr)} (and {@namespace} `{NoAddress}`)) }}}}";
        return To([Namespace($"{{{{ {@namespace} }}}}"), Addresses(address)], Tcp(port));

        static string Named(string value) => value[".Values.".Length..];
    }

    /// <summary>The values that say where it is.</summary>
    private static (string Cidr, string Namespace) Location(IResourceBuilder<ProjectResource> project, string name) => (
        project.ChartText($"{name}-cidr", "").Trim('{', '}', ' '),
        project.ChartText($"{name}-namespace", "").Trim('{', '}', ' '));

    private static Yaml To(Yaml[] peers, params Yaml[] ports) => new() { ["to"] = peers, ["ports"] = ports };

    private static Yaml Tcp(object port) => new() { ["protocol"] = "TCP", ["port"] = port };

    private static Yaml Tcp(int first, int last) => new() { ["protocol"] = "TCP", ["port"] = first, ["endPort"] = last };

    /// <summary>Those of a value, or no address where it is empty.</summary>
    public static Yaml AddressesOrNone(string value) =>
        Addresses(value.Replace(" }}", $" | default `{NoAddress}` }}}}", StringComparison.Ordinal));

    private static Yaml Addresses(string cidr, params string[] except)
    {
        var block = new Yaml { ["cidr"] = cidr };
        if (except.Length > 0)
        {
            block["except"] = except;
        }

        return new() { ["ipBlock"] = block };
    }
}

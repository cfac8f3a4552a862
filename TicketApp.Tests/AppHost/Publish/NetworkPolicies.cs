using System.Net;
using System.Text.Json.Nodes;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// Decides by a chart's policies whether a connection is made, as Kubernetes does: the policies of the pod that connects and those of the
/// pod that is connected to must both allow it, rules add up, and a pod that no policy is about is open.
/// </summary>
/// <remarks>
/// An end is a component of the chart, an address, or <c>namespace/NAME</c> for a pod of another namespace. Blocks of addresses are
/// compared with addresses alone, since what they mean for pods differs between network plug-ins.
/// </remarks>
internal sealed class NetworkPolicies(Chart chart, JsonNode values)
{
    private readonly JsonNode[] _policies =
        [.. chart.Files.Where(file => file.EndsWith("/network.yaml", StringComparison.Ordinal)).Select(file => chart.Parse(file, values))];

    public bool Allow(string from, string to, int port, string protocol = "TCP") =>
        Allow("Egress", "to", from, to, port, protocol) && Allow("Ingress", "from", to, from, port, protocol);

    private bool Allow(string type, string peers, string pod, string other, int port, string protocol)
    {
        var policies = _policies
            .Select(policy => policy["spec"]!.AsObject())
            .Where(policy => Component(policy["podSelector"]!) == pod)
            .Where(policy => policy["policyTypes"]!.AsArray().Any(entry => (string?)entry == type))
            .ToArray();
        var rules = policies.SelectMany(policy => policy[type.ToLowerInvariant()]?.AsArray() ?? []);
        return policies.Length == 0 || rules.Any(rule =>
            rule![peers]!.AsArray().Any(peer => IsPeer(peer!.AsObject(), other))
            && rule["ports"]!.AsArray().Any(ports => IsPort(ports!.AsObject(), port, protocol)));
    }

    private static bool IsPeer(JsonObject peer, string end) => peer.Single() switch
    {
        ("podSelector", { } pods) => Component(pods) == end,
        ("namespaceSelector", { } space) => $"namespace/{(string?)space["matchLabels"]!["kubernetes.io/metadata.name"]}" == end,
        ("ipBlock", { } block) => IPAddress.TryParse(end, out var address)
            && IPNetwork.Parse((string)block["cidr"]!).Contains(address)
            && !(block["except"]?.AsArray() ?? []).Any(except => IPNetwork.Parse((string)except!).Contains(address)),
        _ => throw new NotSupportedException($"Peer {peer}."),
    };

    private static bool IsPort(JsonObject ports, int port, string protocol) =>
        (string?)ports["protocol"] == protocol
        && (ports["port"] is not { } first || (port >= (long)first && port <= (long)(ports["endPort"] ?? first)));

    private static string? Component(JsonNode selector) => (string?)selector["matchLabels"]!["app.kubernetes.io/component"];
}

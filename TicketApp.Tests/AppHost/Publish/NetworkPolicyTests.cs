using System.Net;
using TicketApp.Api.Webhooks;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>Who reaches whom in a cluster, by the policies of the chart.</summary>
public sealed class NetworkPolicyTests
{
    private const string Metadata = "169.254.169.254";
    private const string Public = "1.1.1.1";

    private static NetworkPolicies Deployed => new(Chart.Deployed, Chart.Deployed.ValuesWithSecrets());

    [Theory]
    // Its servers, and nobody else's.
    [InlineData("api", "postgres", 5432, true)]
    [InlineData("api", "rabbitmq", 5671, true)]
    [InlineData("worker", "rabbitmq", 5671, true)]
    // Without TLS.
    [InlineData("api", "rabbitmq", 5672, false)]
    [InlineData("worker", "rabbitmq", 5672, false)]
    [InlineData("worker", "postgres", 5432, false)]
    [InlineData("api", "rabbitmq", 15672, false)]
    [InlineData("worker", "rabbitmq", 15672, false)]
    [InlineData("rabbitmq", "postgres", 5432, false)]
    [InlineData("postgres", "rabbitmq", 5671, false)]
    [InlineData("namespace/default", "postgres", 5432, false)]
    [InlineData("namespace/default", "rabbitmq", 5671, false)]
    // Callers come by the ingress; what scales the workers asks the Api.
    [InlineData("namespace/envoy-gateway-system", "api", 8080, true)]
    [InlineData("namespace/keda", "api", 8080, true)]
    [InlineData("namespace/default", "api", 8080, false)]
    [InlineData("worker", "api", 8080, false)]
    [InlineData("api", "worker", 8080, false)]
    // Receivers of webhooks are on the public Internet.
    [InlineData("api", Public, 443, true)]
    [InlineData("api", Public, 80, true)]
    [InlineData("api", Public, 8443, true)]
    [InlineData("api", Public, 22, false)]
    [InlineData("api", Public, 25, false)]
    [InlineData("api", "2606:4700:4700::1111", 443, true)]
    [InlineData("worker", Public, 443, false)]
    [InlineData("postgres", Public, 443, false)]
    [InlineData("rabbitmq", Public, 443, false)]
    // The metadata services of clouds, the node, and the networks of clusters.
    [InlineData("api", Metadata, 80, false)]
    [InlineData("worker", Metadata, 80, false)]
    [InlineData("postgres", Metadata, 80, false)]
    [InlineData("rabbitmq", Metadata, 80, false)]
    [InlineData("api", "fd00:ec2::254", 80, false)]
    [InlineData("api", "168.63.129.16", 80, false)]
    [InlineData("api", "10.96.0.1", 443, false)]
    [InlineData("worker", "10.96.0.1", 443, false)]
    [InlineData("api", "172.16.0.1", 6443, false)]
    [InlineData("api", "192.168.1.1", 443, false)]
    [InlineData("api", "100.64.0.1", 443, false)]
    [InlineData("api", "127.0.0.1", 5432, false)]
    [InlineData("api", "namespace/default", 443, false)]
    [InlineData("worker", "namespace/kube-system", 443, false)]
    // Nobody has said where telemetry goes.
    [InlineData("api", "namespace/monitoring", 4317, false)]
    [InlineData("worker", "10.0.0.1", 4317, false)]
    public void A_pod_reaches_what_it_needs_and_nothing_else(string from, string to, int port, bool expected) =>
        Assert.Equal(expected, Deployed.Allow(from, to, port));

    [Theory]
    [InlineData("api")]
    [InlineData("worker")]
    public void Services_ask_name_servers(string service)
    {
        var policies = Deployed;

        Assert.All(["UDP", "TCP"], protocol => Assert.True(policies.Allow(service, "namespace/kube-system", 53, protocol)));
        Assert.True(policies.Allow(service, "169.254.20.10", 53, "UDP"));
        Assert.False(policies.Allow(service, Metadata, 53, "UDP"));
        Assert.False(policies.Allow(service, Public, 53, "UDP"));
    }

    /// <summary>
    /// Two fences: what the code refuses to connect to is closed in the network too, and the other way round. Asked of the first and the
    /// last address of each block that the policies leave out, and of those just outside of it.
    /// </summary>
    [Fact]
    public void The_network_and_the_code_draw_the_same_line_for_webhooks()
    {
        var policies = Deployed;
        var blocks = Chart.Deployed.Parse("api/network.yaml", Chart.Deployed.ValuesWithSecrets())["spec"]!["egress"]!.AsArray()
            .SelectMany(rule => rule!["to"]!.AsArray())
            .SelectMany(peer => peer!["ipBlock"]?["except"]?.AsArray() ?? [])
            .Select(except => IPNetwork.Parse((string)except!))
            .ToArray();

        var addresses = blocks.SelectMany(Edges).Append(IPAddress.IPv6Loopback).Append(IPAddress.Parse("fd00::1"));

        Assert.NotEmpty(blocks);
        Assert.All(addresses, address =>
            Assert.Equal((address, PublicInternet.Contains(address)), (address, policies.Allow("api", address.ToString(), 443))));
    }

    [Fact]
    public void The_ingress_reaches_the_api_at_its_port()
    {
        var values = Chart.Deployed.ValuesWithSecrets();
        values["parameters"]!["api"]!["port_http"] = 9090;
        var policies = new NetworkPolicies(Chart.Deployed, values);

        Assert.True(policies.Allow("namespace/envoy-gateway-system", "api", 9090));
        Assert.False(policies.Allow("namespace/envoy-gateway-system", "api", 8080));
    }

    [Fact]
    public void A_site_says_where_telemetry_goes()
    {
        var values = Chart.Deployed.ValuesWithSecrets();
        values["config"]!["api"]!["otlp_namespace"] = "monitoring";
        values["config"]!["worker"]!["otlp_cidr"] = "10.1.2.3/32";
        var policies = new NetworkPolicies(Chart.Deployed, values);

        Assert.True(policies.Allow("api", "namespace/monitoring", 4317));
        Assert.True(policies.Allow("worker", "10.1.2.3", 4318));
        Assert.False(policies.Allow("api", "namespace/monitoring", 443));
        Assert.False(policies.Allow("worker", "namespace/monitoring", 4317));
        Assert.False(policies.Allow("api", "10.1.2.3", 4317));
    }

    [Fact]
    public async Task Servers_that_are_somewhere_else_are_reached_where_a_site_says_that_they_are()
    {
        var chart = await Publication.OfTicketAppAsync("--Deployment:ExternalPostgres=true", "--Deployment:ExternalRabbitMq=true");
        var values = chart.ValuesWithSecrets();
        foreach (var service in (string[])["api", "worker"])
        {
            values["config"]![service]!["rabbitmq_cidr"] = "";
        }

        var error = Assert.Throws<InvalidDataException>(() => new NetworkPolicies(chart, values));
        Assert.Matches("Set config.(api|worker).rabbitmq_cidr or config.(api|worker).rabbitmq_namespace.", error.Message);

        values["config"]!["api"]!["rabbitmq_namespace"] = "rabbitmq";
        values["config"]!["worker"]!["rabbitmq_namespace"] = "rabbitmq";
        values["config"]!["worker"]!["rabbitmq_port"] = "5672";
        var policies = new NetworkPolicies(chart, values);

        Assert.True(policies.Allow("api", "10.9.0.7", 5432));
        Assert.True(policies.Allow("api", "namespace/rabbitmq", 5671));
        Assert.True(policies.Allow("worker", "namespace/rabbitmq", 5672));
        Assert.False(policies.Allow("worker", "10.9.0.7", 5432));
        Assert.False(policies.Allow("api", "10.9.1.7", 5432));
        Assert.False(policies.Allow("api", "namespace/rabbitmq", 15672));
    }

    [Fact]
    public async Task Only_a_worker_with_a_configured_model_reaches_endpoints_of_models()
    {
        var chart = await Publication.OfTicketAppAsync("--Models:llama:Kind=chat", "--Models:llama:Url=https://api.example.com");
        var values = chart.ValuesWithSecrets();
        Assert.False(new NetworkPolicies(chart, values).Allow("worker", "namespace/models", 11434));
        values["config"]!["worker"]!["model_namespace"] = "models";
        var policies = new NetworkPolicies(chart, values);

        Assert.True(policies.Allow("worker", Public, 443));
        Assert.True(policies.Allow("worker", "namespace/models", 11434));
        Assert.False(policies.Allow("worker", Public, 80));
        Assert.False(policies.Allow("worker", Metadata, 443));
        Assert.False(policies.Allow("worker", "10.96.0.1", 443));
        Assert.False(policies.Allow("api", "namespace/models", 11434));
    }

    private static IEnumerable<IPAddress> Edges(IPNetwork block)
    {
        var first = block.BaseAddress.GetAddressBytes();
        var last = first.Select((octet, i) => (byte)(octet | (0xFF >> Math.Clamp(block.PrefixLength - (8 * i), 0, 8)))).ToArray();
        return [Moved(first, -1), new(first), new(last), Moved(last, 1)];
    }

    /// <summary>The next address, or the one before; the ends of all addresses meet.</summary>
    private static IPAddress Moved(byte[] address, int by)
    {
        var moved = (byte[])address.Clone();
        for (var i = moved.Length - 1; i >= 0; i--)
        {
            moved[i] = (byte)(moved[i] + by);
            if (moved[i] != (by > 0 ? 0 : 0xFF))
            {
                break;
            }
        }

        return new(moved);
    }
}

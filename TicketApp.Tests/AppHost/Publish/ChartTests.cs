using System.Globalization;
using System.Text.Json.Nodes;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>The chart that the app model becomes: fit for production, and as a site may set it.</summary>
public sealed class ChartTests
{
    private const string Password = "Letters0and9digits";

    // The same as is published now: DeployTests.

    [Theory]
    [InlineData("api/deployment.yaml")]
    [InlineData("worker/deployment.yaml")]
    [InlineData("postgres/statefulset.yaml")]
    [InlineData("rabbitmq/statefulset.yaml")]
    public async Task Every_workload_is_confined_bounded_and_probed(string file)
    {
        var chart = await Publication.OfTicketAppAsync();
        var pod = chart.Parse(file, chart.ValuesWithSecrets())["spec"]!["template"]!["spec"]!;
        var container = Assert.Single(pod["containers"]!.AsArray())!;

        Assert.False((bool)pod["automountServiceAccountToken"]!);
        Assert.True((bool)pod["securityContext"]!["runAsNonRoot"]!);
        Assert.Equal("RuntimeDefault", (string?)pod["securityContext"]!["seccompProfile"]!["type"]);
        var rights = container["securityContext"]!;
        Assert.True((bool)rights["readOnlyRootFilesystem"]!);
        Assert.False((bool)rights["allowPrivilegeEscalation"]!);
        Assert.Equal("ALL", (string?)Assert.Single(rights["capabilities"]!["drop"]!.AsArray()));
        var resources = container["resources"]!;
        Assert.All(["requests", "limits"], bounds => Assert.All(["cpu", "memory"], kind => Assert.NotNull(resources[bounds]![kind])));
        Assert.All(["startupProbe", "readinessProbe", "livenessProbe"], probe => Assert.NotNull(container[probe]));
    }

    /// <summary>A namespace that enforces the strictest of the Pod Security Standards takes every pod of every site.</summary>
    [Theory]
    [MemberData(nameof(Sites.All), MemberType = typeof(Sites))]
    public async Task Every_pod_is_what_the_restricted_standard_allows(string site)
    {
        var (chart, values) = await Sites.OfAsync(site);
        var pods = chart.RenderAll(values).Values.Select(Yaml.Parse)
            .Select(item => item["spec"]?["template"]?["spec"]).OfType<JsonObject>().ToArray();

        Assert.NotEmpty(pods);
        Assert.All(pods, pod =>
        {
            Assert.All(["hostNetwork", "hostPID", "hostIPC", "hostUsers"], field => Assert.Null(pod[field]));
            string[] kinds = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];
            Assert.All(pod["volumes"]!.AsArray(), volume =>
                Assert.All(volume!.AsObject().Where(field => field.Key != "name"), field => Assert.Contains(field.Key, kinds)));
            var rights = pod["securityContext"]!;
            Assert.True((bool)rights["runAsNonRoot"]!);
            Assert.NotEqual(0, (long)rights["runAsUser"]!);
            Assert.Equal("RuntimeDefault", (string?)rights["seccompProfile"]!["type"]);
            Assert.All(["sysctls", "seLinuxOptions", "windowsOptions", "appArmorProfile"], field => Assert.Null(rights[field]));
            var containers = pod["containers"]!.AsArray().Concat(pod["initContainers"]?.AsArray() ?? []);
            Assert.All(containers, container =>
            {
                var own = container!["securityContext"]!;
                Assert.Equal((false, false), ((bool)own["privileged"]!, (bool)own["allowPrivilegeEscalation"]!));
                Assert.Contains(own["capabilities"]!["drop"]!.AsArray(), capability => (string?)capability == "ALL");
                Assert.Null(own["capabilities"]!["add"]);
                Assert.All(["procMount", "runAsUser", "seccompProfile", "appArmorProfile"], field => Assert.Null(own[field]));
                Assert.All(container["ports"]!.AsArray(), port => Assert.Null(port!["hostPort"]));
                Assert.All(["livenessProbe", "readinessProbe", "startupProbe"], probe =>
                    Assert.Null(container[probe]?["httpGet"]?["host"]));
            });
        });
    }

    [Fact]
    public async Task Nothing_of_the_database_is_in_the_workers_templates()
    {
        var chart = await Publication.OfTicketAppAsync();

        var texts = chart.Files
            .Where(file => file.StartsWith("worker/", StringComparison.Ordinal))
            .Select(file => File.ReadAllText(Path.Combine(chart.Folder, "templates", file)))
            .ToArray();

        Assert.NotEmpty(texts);
        Assert.All(texts, text => Assert.DoesNotContain("postgres", text, StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain("TICKETS_", string.Concat(texts), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres", 5432L, "api")]
    [InlineData("rabbitmq", 5671L, "api,worker")]
    public async Task Only_who_needs_a_server_reaches_it(string server, long port, string allowed)
    {
        var chart = await Publication.OfTicketAppAsync();
        var policy = chart.Parse($"{server}/network.yaml", chart.ValuesWithSecrets())["spec"]!;

        var rule = Assert.Single(policy["ingress"]!.AsArray())!;
        Assert.Equal(port, (long)Assert.Single(rule["ports"]!.AsArray())!["port"]!);
        Assert.Equal(allowed.Split(','), rule["from"]!.AsArray().Select(ComponentOf));
        Assert.Equal(server, ComponentOf(policy));
        Assert.False(chart.Parse("worker/network.yaml", chart.ValuesWithSecrets())["spec"]!.AsObject().ContainsKey("ingress"));
    }

    [Fact]
    public async Task Another_port_is_the_port_of_every_object()
    {
        var (chart, values) = await Sites.OfAsync("another port");

        var ports = chart.Parse("api/network.yaml", values)["spec"]!["ingress"]![0]!["ports"]!.AsArray();
        Assert.Equal(9090L, (long)Assert.Single(ports)!["port"]!);
        Assert.Equal(9090L, (long)chart.Parse("api/route.yaml", values)["spec"]!["rules"]![0]!["backendRefs"]![0]!["port"]!);
        Assert.Contains(
            ":9090/v1/stats",
            (string?)chart.Parse("worker/scaler.yaml", values)["spec"]!["triggers"]![0]!["metadata"]!["url"],
            StringComparison.Ordinal);
        foreach (var (service, port) in (IEnumerable<(string, long)>)[("api", 9090), ("worker", 9091)])
        {
            var published = Assert.Single(chart.Parse($"{service}/service.yaml", values)["spec"]!["ports"]!.AsArray())!;
            Assert.Equal((port, port), ((long)published["port"]!, (long)published["targetPort"]!));
            var container = chart.Parse($"{service}/deployment.yaml", values)["spec"]!["template"]!["spec"]!["containers"]![0]!;
            Assert.Equal(port, (long)Assert.Single(container["ports"]!.AsArray())!["containerPort"]!);
            Assert.All(
                ["startupProbe", "readinessProbe", "livenessProbe"],
                probe => Assert.Equal(port, (long)container[probe]!["httpGet"]!["port"]!));
            Assert.Equal($"{port}", chart.Variables(service, values)["HTTP_PORTS"]);
        }

        Assert.All(chart.RenderAll(values), item =>
            Assert.DoesNotMatch(item.Key.StartsWith("api/", StringComparison.Ordinal) ? "8080|9091" : "8080", item.Value));
    }

    [Fact]
    public async Task Callers_come_by_the_charts_own_Gateway_over_HTTPS_alone()
    {
        var (chart, values) = await Sites.OfAsync("host and TLS");
        var gateway = chart.Parse("api/gateway.yaml", values);
        var route = chart.Parse("api/route.yaml", values);

        var listener = Assert.Single(gateway["spec"]!["listeners"]!.AsArray())!;
        Assert.Equal("cilium", (string?)gateway["spec"]!["gatewayClassName"]);
        Assert.Equal(("HTTPS", "tickets.example.org"), ((string?)listener["protocol"], (string?)listener["hostname"]));
        Assert.Equal("other-tls", (string?)Assert.Single(listener["tls"]!["certificateRefs"]!.AsArray())!["name"]);
        Assert.Equal("letsencrypt", (string?)gateway["metadata"]!["annotations"]!["cert-manager.io/cluster-issuer"]);
        var parent = Assert.Single(route["spec"]!["parentRefs"]!.AsArray())!;
        Assert.Equal((string?)gateway["metadata"]!["name"], (string?)parent["name"]);
        Assert.Equal((string?)listener["name"], (string?)parent["sectionName"]);
        Assert.Equal("tickets.example.org", (string?)Assert.Single(route["spec"]!["hostnames"]!.AsArray()));
        // Event streams last.
        Assert.Equal("0s", (string?)route["spec"]!["rules"]![0]!["timeouts"]!["request"]);
        Assert.DoesNotContain("api/ingress.yaml", chart.RenderAll(values));
    }

    [Fact]
    public async Task Callers_come_by_a_Gateway_of_the_site()
    {
        var (chart, values) = await Sites.OfAsync("a gateway of the site");

        var parent = Assert.Single(chart.Parse("api/route.yaml", values)["spec"]!["parentRefs"]!.AsArray())!;

        Assert.Equal(
            ("shared", "gateways", "web"), ((string?)parent["name"], (string?)parent["namespace"], (string?)parent["sectionName"]));
        Assert.DoesNotContain("api/gateway.yaml", chart.RenderAll(values));
        Assert.True(new NetworkPolicies(chart, values).Allow("namespace/gateways", "api", 8080));
    }

    [Fact]
    public async Task An_Ingress_takes_the_largest_batch_unless_the_site_says_otherwise()
    {
        var (chart, values) = await Sites.OfAsync("an ingress");
        values["config"]!["api"]!["public_annotations"] = new JsonObject();
        var ingress = chart.Parse("api/ingress.yaml", values);

        Assert.Equal("haproxy", (string?)ingress["spec"]!["ingressClassName"]);
        // What Tickets take: TicketOptions.
        Assert.Equal(4 * 1024 * 1024, new TicketApp.Api.Dispatch.TicketOptions().MaxBatchBytes);
        Assert.Equal("4m", (string?)ingress["metadata"]!["annotations"]!["nginx.ingress.kubernetes.io/proxy-body-size"]);
        Assert.DoesNotContain(chart.RenderAll(values).Keys, file => file is "api/gateway.yaml" or "api/route.yaml");

        (chart, values) = await Sites.OfAsync("an ingress");
        var annotations = chart.Parse("api/ingress.yaml", values)["metadata"]!["annotations"]!;
        Assert.Equal("8m", (string?)annotations["nginx.ingress.kubernetes.io/proxy-body-size"]);
        Assert.Equal("120", (string?)annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"]);
    }

    /// <summary>Annotations are texts, whatever a file of values has for them.</summary>
    [Fact]
    public async Task A_site_brings_a_load_balancer_a_class_of_storage_and_a_registry_of_its_own()
    {
        var (chart, values) = await Sites.OfAsync("a cloud's load balancer, storage of a class and a registry of its own");

        var annotations = chart.Parse("api/ingress.yaml", values)["metadata"]!["annotations"]!;
        Assert.Equal("443", annotations["alb.ingress.kubernetes.io/ssl-redirect"]!.GetValue<string>());
        Assert.Equal("true", annotations["example.com/managed"]!.GetValue<string>());
        var policies = new NetworkPolicies(chart, values);
        Assert.True(policies.Allow("10.40.1.2", "api", 8080));
        Assert.False(policies.Allow("10.41.1.2", "api", 8080));
        foreach (var server in (string[])["postgres", "rabbitmq"])
        {
            Assert.StartsWith($"registry.local/{server}:", Chart.ImageOf(chart.Parse($"{server}/statefulset.yaml", values)));
            var claim = $"ticketapp-{server}-data/ticketapp-{server}-data.yaml";
            Assert.Equal("gp3", (string?)chart.Parse(claim, values)["spec"]!["storageClassName"]);
            // The cluster's default, which an empty name would not be.
            Assert.False(chart.Parse(claim, chart.ValuesWithSecrets())["spec"]!.AsObject().ContainsKey("storageClassName"));
        }
    }

    [Fact]
    public async Task What_a_site_does_not_want_is_not_there()
    {
        var (chart, values) = await Sites.OfAsync("no KEDA");
        Assert.DoesNotContain("worker/scaler.yaml", chart.RenderAll(values));
        Assert.False(new NetworkPolicies(chart, values).Allow("namespace/keda", "api", 8080));

        (chart, values) = await Sites.OfAsync("callers from within");
        Assert.DoesNotContain(chart.RenderAll(values).Keys, file => file is "api/gateway.yaml" or "api/route.yaml" or "api/ingress.yaml");
    }

    [Fact]
    public void Processes_of_PostgreSQL_share_more_memory_than_a_container_has()
    {
        var pod = Chart.Deployed.Parse("postgres/statefulset.yaml", Chart.Deployed.ValuesWithSecrets())["spec"]!["template"]!["spec"]!;

        var mount = Assert.Single(pod["containers"]![0]!["volumeMounts"]!.AsArray(), item => (string?)item!["mountPath"] == "/dev/shm")!;
        var volume = Assert.Single(pod["volumes"]!.AsArray(), item => (string?)item!["name"] == (string?)mount["name"])!;
        Assert.Equal(("Memory", "256Mi"), ((string?)volume["emptyDir"]!["medium"], (string?)volume["emptyDir"]!["sizeLimit"]));
    }

    [Fact]
    public async Task A_site_gives_each_pod_its_share_of_a_node_and_each_server_its_storage()
    {
        var (chart, values) = await Sites.OfAsync("large");

        var resources = chart.Parse("postgres/statefulset.yaml", values)["spec"]!["template"]!["spec"]!["containers"]![0]!["resources"]!;
        Assert.Equal(("8", "32Gi"), ((string?)resources["requests"]!["cpu"], (string?)resources["requests"]!["memory"]));
        Assert.Equal(("16", "32Gi"), ((string?)resources["limits"]!["cpu"], (string?)resources["limits"]!["memory"]));
        var claim = chart.Parse("ticketapp-postgres-data/ticketapp-postgres-data.yaml", values);
        Assert.Equal("2Ti", (string?)claim["spec"]!["resources"]!["requests"]!["storage"]);
        var scaler = chart.Parse("worker/scaler.yaml", values)["spec"]!;
        Assert.Equal((20L, 400L), ((long)scaler["minReplicaCount"]!, (long)scaler["maxReplicaCount"]!));
        Assert.Equal("400", (string?)scaler["triggers"]![0]!["metadata"]!["targetValue"]);
    }

    [Theory]
    [InlineData("postgres", @"/postgres:\d+\.\d+$")]
    [InlineData("rabbitmq", @"/rabbitmq:\d+\.\d+\.\d+$")]
    public void A_server_has_the_image_of_one_version(string server, string image) =>
        Assert.Matches(image, Chart.ImageOf(Chart.Deployed.Parse($"{server}/statefulset.yaml", Chart.Deployed.ValuesWithSecrets())));

    [Fact]
    public async Task Workers_scale_on_the_backlog_from_a_floor_that_may_be_zero()
    {
        var chart = await Publication.OfTicketAppAsync("--Deployment:MinWorkers=0", "--Deployment:WorkerConcurrency=8");
        var scaler = chart.Parse("worker/scaler.yaml", chart.ValuesWithSecrets())["spec"]!;
        var trigger = Assert.Single(scaler["triggers"]!.AsArray())!;

        Assert.Equal(0L, (long)scaler["minReplicaCount"]!);
        Assert.Equal("metrics-api", (string?)trigger["type"]);
        Assert.Equal("http://api-service.ticketapp.svc.cluster.local:8080/v1/stats", (string?)trigger["metadata"]!["url"]);
        Assert.Equal("8", (string?)trigger["metadata"]!["targetValue"]);
        Assert.Equal("8", chart.Variables("worker", chart.ValuesWithSecrets())["Worker__Concurrency"]);
    }

    [Fact]
    public async Task A_worker_has_time_to_end_its_runs_and_hand_back_the_rest()
    {
        var chart = await Publication.OfTicketAppAsync();
        var values = chart.ValuesWithSecrets();

        var drain = TimeSpan.Parse(chart.Variables("worker", values)["Worker__DrainTimeout"], CultureInfo.InvariantCulture);
        var grace = (long)chart.Parse("worker/deployment.yaml", values)["spec"]!["template"]!["spec"]!["terminationGracePeriodSeconds"]!;

        Assert.True(drain >= TimeSpan.FromMinutes(7));
        // What docs/operations.md says that a stop takes at most.
        Assert.True(grace >= drain.TotalSeconds + 38);
    }

    [Fact]
    public async Task Servers_that_are_somewhere_else_are_a_connection_string()
    {
        var chart = await Publication.OfTicketAppAsync("--Deployment:ExternalPostgres=true", "--Deployment:ExternalRabbitMq=true");

        Assert.DoesNotContain(chart.Files, file =>
            file.StartsWith("postgres", StringComparison.Ordinal) || file.StartsWith("rabbitmq", StringComparison.Ordinal));
        var values = chart.ValuesWithSecrets(name => name.EndsWith("_key", StringComparison.Ordinal) ? Password : name);
        Assert.Equal("tickets", chart.Variables("api", values)["ConnectionStrings__tickets"]);
        Assert.Equal("rabbitmq", chart.Variables("api", values)["ConnectionStrings__rabbitmq"]);
        Assert.Equal("rabbitmq_worker", chart.Variables("worker", values)["ConnectionStrings__rabbitmq"]);
    }

    [Theory]
    [InlineData("ticketapp-postgres-data", "postgres")]
    [InlineData("ticketapp-rabbitmq-data", "rabbitmq")]
    public async Task Data_outlives_its_pod_and_the_release(string claim, string server)
    {
        var chart = await Publication.OfTicketAppAsync();

        var values = chart.ValuesWithSecrets();
        var annotations = chart.Parse($"{claim}/{claim}.yaml", values)["metadata"]!["annotations"]!;
        Assert.Equal("keep", (string?)annotations["helm.sh/resource-policy"]);
        var volumes = chart.Parse($"{server}/statefulset.yaml", values)["spec"]!["template"]!["spec"]!["volumes"]!.AsArray();
        Assert.Contains(volumes, volume => (string?)volume!["persistentVolumeClaim"]?["claimName"] == claim);
    }

    [Fact]
    public async Task A_models_name_may_have_hyphens()
    {
        var (chart, values) = await Sites.OfAsync("a model with a hyphen in its name");

        var variables = chart.Variables("worker", values);

        Assert.Equal("chat", variables["Models__my-model__Kind"]);
        Assert.Equal("https://api.example.com/v1", variables["Models__my-model__Url"]);
        Assert.Equal(Password, variables["Models__my-model__ApiKey"]);
        Assert.Equal(Password, variables["Models__my-model__Headers__X-My-Header"]);
        // As Kubernetes wants names of variables and keys.
        Assert.All(variables.Keys, name => Assert.Matches("^[-._a-zA-Z][-._a-zA-Z0-9]*$", name));
    }

    /// <summary>The component whose pods a rule is about.</summary>
    private static string? ComponentOf(JsonNode? rule) =>
        (string?)rule!["podSelector"]!["matchLabels"]!["app.kubernetes.io/component"];
}

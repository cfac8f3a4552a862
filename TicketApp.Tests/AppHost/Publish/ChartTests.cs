using System.Globalization;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>The chart that the app model becomes: fit for production, and as a site may set it.</summary>
public sealed class ChartTests
{
    private const string Password = "Letters0and9digits";

    // The same as is published now: DeployTests.
    private static readonly Chart _deployed = new(Path.Combine(Repository.Root, "deploy", "kubernetes"));

    [Theory]
    [InlineData("api/deployment.yaml")]
    [InlineData("worker/deployment.yaml")]
    [InlineData("postgres/statefulset.yaml")]
    [InlineData("rabbitmq/statefulset.yaml")]
    public async Task Every_workload_is_confined_bounded_and_probed(string file)
    {
        var chart = await Publication.OfTicketAppAsync();
        var pod = chart.Parse(file, chart.ValuesWithSecrets(_ => Password))["spec"]!["template"]!["spec"]!;
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
    [InlineData("rabbitmq", 5672L, "api,worker")]
    public async Task Only_who_needs_a_server_reaches_it(string server, long port, string allowed)
    {
        var chart = await Publication.OfTicketAppAsync();
        var policy = chart.Parse($"{server}/network.yaml", chart.ValuesWithSecrets(_ => Password))["spec"]!;

        var rule = Assert.Single(policy["ingress"]!.AsArray())!;
        Assert.Equal(port, (long)Assert.Single(rule["ports"]!.AsArray())!["port"]!);
        Assert.Equal(allowed.Split(','), rule["from"]!.AsArray().Select(ComponentOf));
        Assert.Equal(server, ComponentOf(policy));
        Assert.False(chart.Parse("worker/network.yaml", chart.ValuesWithSecrets(_ => Password))["spec"]!.AsObject().ContainsKey("ingress"));
    }

    [Fact]
    public async Task A_missing_or_unfit_secret_is_named()
    {
        var chart = await Publication.OfTicketAppAsync();

        foreach (var (consumer, names) in (JsonObject)chart.Values["secrets"]!)
        {
            foreach (var name in names!.AsObject().Select(entry => entry.Key).Where(name => char.IsLower(name[0])))
            {
                foreach (var unfit in (string[])["", "p@ss word"])
                {
                    var values = chart.ValuesWithSecrets(_ => Password);
                    values["secrets"]![consumer]![name] = unfit;

                    var error = Assert.Throws<InvalidDataException>(() => chart.Render($"{consumer}/secrets.yaml", values));
                    Assert.Contains($"Set secrets.{consumer}.{name}", error.Message, StringComparison.Ordinal);
                }
            }
        }
    }

    [Theory]
    [InlineData("api", "api", false)]
    [InlineData("api", "api:latest", false)]
    [InlineData("worker", "registry.example.com:5000/worker", false)]
    [InlineData("worker", "registry.example.com:5000/worker:latest", false)]
    [InlineData("api", "api:1.0.0", true)]
    [InlineData("api", "registry.example.com:5000/api:1.0.0", true)]
    [InlineData("worker", "worker@sha256:0000000000000000000000000000000000000000000000000000000000000000", true)]
    [InlineData("worker", "worker:latest@sha256:0000000000000000000000000000000000000000000000000000000000000000", true)]
    public void An_image_has_a_tag_of_its_own_or_a_digest(string service, string image, bool isFit)
    {
        var values = _deployed.ValuesWithSecrets(_ => Password);
        values["parameters"]![service]![$"{service}_image"] = image;

        if (isFit)
        {
            Assert.Equal(image, ImageOf(_deployed.Parse($"{service}/deployment.yaml", values)));
        }
        else
        {
            var error = Assert.Throws<InvalidDataException>(() => _deployed.Render($"{service}/deployment.yaml", values));
            Assert.Contains($"Set parameters.{service}.{service}_image: ", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("postgres", @"/postgres:\d+\.\d+$")]
    [InlineData("rabbitmq", @"/rabbitmq:\d+\.\d+\.\d+-management$")]
    public void A_server_has_the_image_of_one_version(string server, string image) =>
        Assert.Matches(image, ImageOf(_deployed.Parse($"{server}/statefulset.yaml", _deployed.ValuesWithSecrets(_ => Password))));

    [Fact]
    public async Task Workers_scale_on_the_backlog_from_a_floor_that_may_be_zero()
    {
        var chart = await Publication.OfTicketAppAsync("--Deployment:MinWorkers=0", "--Deployment:WorkerConcurrency=8");
        var scaler = chart.Parse("worker/scaler.yaml", chart.ValuesWithSecrets(_ => Password))["spec"]!;
        var trigger = Assert.Single(scaler["triggers"]!.AsArray())!;

        Assert.Equal(0L, (long)scaler["minReplicaCount"]!);
        Assert.Equal("metrics-api", (string?)trigger["type"]);
        Assert.Equal("http://api-service.ticketapp.svc.cluster.local:8080/v1/stats", (string?)trigger["metadata"]!["url"]);
        Assert.Equal("8", (string?)trigger["metadata"]!["targetValue"]);
        Assert.Equal("8", chart.Variables("worker", chart.ValuesWithSecrets(_ => Password))["Worker__Concurrency"]);
    }

    [Fact]
    public async Task A_worker_has_time_to_end_its_runs_and_hand_back_the_rest()
    {
        var chart = await Publication.OfTicketAppAsync();
        var values = chart.ValuesWithSecrets(_ => Password);

        var drain = TimeSpan.Parse(chart.Variables("worker", values)["Worker__DrainTimeout"], CultureInfo.InvariantCulture);
        var grace = (long)chart.Parse("worker/deployment.yaml", values)["spec"]!["template"]!["spec"]!["terminationGracePeriodSeconds"]!;

        Assert.True(drain >= TimeSpan.FromMinutes(7));
        // What docs/operations.md says that a stop takes at most.
        Assert.True(grace >= drain.TotalSeconds + 36);
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

        var values = chart.ValuesWithSecrets(_ => Password);
        var annotations = chart.Parse($"{claim}/{claim}.yaml", values)["metadata"]!["annotations"]!;
        Assert.Equal("keep", (string?)annotations["helm.sh/resource-policy"]);
        var volumes = chart.Parse($"{server}/statefulset.yaml", values)["spec"]!["template"]!["spec"]!["volumes"]!.AsArray();
        Assert.Contains(volumes, volume => (string?)volume!["persistentVolumeClaim"]?["claimName"] == claim);
    }

    private static string? ImageOf(JsonNode workload) => (string?)workload["spec"]!["template"]!["spec"]!["containers"]![0]!["image"];

    /// <summary>The component whose pods a rule is about.</summary>
    private static string? ComponentOf(JsonNode? rule) =>
        (string?)rule!["podSelector"]!["matchLabels"]!["app.kubernetes.io/component"];
}

using System.Text.Json.Nodes;
using k8s;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>What is published, as the tools of an operator see it: over the defaults, and over what sites change.</summary>
public sealed class DeploymentToolTests
{
    private const string Password = "Letters0and9digits";

    /// <summary>What a site may set when it publishes.</summary>
    public static TheoryData<string, string[]> Publications => new()
    {
        { "defaults", [] },
        { "external servers", ["--Deployment:ExternalPostgres=true", "--Deployment:ExternalRabbitMq=true"] },
        { "workers down to none", ["--Deployment:MinWorkers=0"] },
    };

    /// <summary>What a site may set when it installs the chart.</summary>
    public static TheoryData<string, string> Installations => new()
    {
        { "another port", """{"parameters":{"api":{"port_http":9090},"worker":{"port_http":9091}}}""" },
        { "another host", """{"config":{"api":{"public_host":"tickets.example.org","tls_secret":"other-tls"}}}""" },
        { "one replica", """{"config":{"api":{"min_api_replicas":1,"max_api_replicas":1},"worker":{"min_workers":1,"max_workers":1}}}""" },
        { "large", """{"config":{"api":{"min_api_replicas":8,"max_api_replicas":40},"worker":{"min_workers":20,"max_workers":400}}}""" },
    };

    [Theory]
    [MemberData(nameof(Publications))]
    public async Task Helm_finds_no_fault_in_the_chart(string site, params string[] settings)
    {
        var chart = await Publication.OfTicketAppAsync(settings);

        var (exitCode, output, error) = await DeploymentTools.HelmAsync(
            ["lint", "--strict", chart.Folder, "--values", "-"], chart.ValuesWithSecrets(_ => Password).ToJsonString());

        Assert.True(exitCode == 0, $"{site}: {output}{error}");
    }

    [Theory]
    [MemberData(nameof(Publications))]
    public async Task Kubernetes_knows_every_field_of_every_object(string site, params string[] settings)
    {
        var chart = await Publication.OfTicketAppAsync(settings);

        AssertKnown(site, chart.RenderAll(chart.ValuesWithSecrets(_ => Password)));
    }

    [Theory]
    [MemberData(nameof(Installations))]
    public void Kubernetes_knows_every_field_of_what_a_site_has_changed(string site, string changes)
    {
        Chart chart = new(Path.Combine(Repository.Root, "deploy", "kubernetes"));
        var values = chart.ValuesWithSecrets(_ => Password);
        Change(values, JsonNode.Parse(changes)!.AsObject());

        var rendered = chart.RenderAll(values);

        AssertKnown(site, rendered);
        Assert.NotEqual(chart.RenderAll(chart.ValuesWithSecrets(_ => Password)), rendered);
    }

    [Fact]
    public void A_field_that_Kubernetes_does_not_know_is_found()
    {
        Chart chart = new(Path.Combine(Repository.Root, "deploy", "kubernetes"));
        var text = chart.Render("api/deployment.yaml", chart.ValuesWithSecrets(_ => Password));

        Assert.ThrowsAny<Exception>(() => KubernetesYaml.LoadAllFromString(
            text.Replace("readOnlyRootFilesystem:", "readOnlyRootFileSystem:", StringComparison.Ordinal), typeMap: null, strict: true));
    }

    [Fact]
    public async Task Bicep_has_no_error_and_no_warning_but_those_of_Aspires_own_files()
    {
        var (exitCode, _, error) = await DeploymentTools.BicepAsync(
            "build", Path.Combine(Repository.Root, "deploy", "azure", "main.bicep"), "--stdout");

        Assert.True(exitCode == 0, error);
        string[] known = ["\"userPrincipalId\" is declared but never used", "\"location\" is declared but never used"];
        Assert.DoesNotContain(
            error.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => !known.Any(text => line.Contains(text, StringComparison.Ordinal)));
    }

    /// <summary>Reads every object into its type, and takes no field that the type does not have.</summary>
    private static void AssertKnown(string site, IReadOnlyDictionary<string, string> rendered)
    {
        Assert.True(rendered.Count > 10, $"{site}: only {rendered.Count} objects.");
        foreach (var (file, text) in rendered.Where(entry => !entry.Value.Contains("apiVersion: \"keda.sh/", StringComparison.Ordinal)))
        {
            var error = Record.Exception(() => Assert.Single(KubernetesYaml.LoadAllFromString(text, typeMap: null, strict: true)));
            Assert.True(error is null, $"{site}, {file}: {error}");
        }
    }

    private static void Change(JsonObject values, JsonObject changes)
    {
        foreach (var (name, change) in changes)
        {
            if (change is JsonObject inner)
            {
                Change(values[name]!.AsObject(), inner);
            }
            else
            {
                Assert.True(values.ContainsKey(name), $"There is no value {name}.");
                values[name] = change!.DeepClone();
            }
        }
    }
}

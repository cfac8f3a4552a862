using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;
using k8s;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>What is published, as the tools of an operator see it: over the defaults, and over what sites change.</summary>
public sealed class DeploymentToolTests
{
    /// <summary>The kinds that <see cref="KubernetesYaml"/> does not know, and the modules that have their types.</summary>
    private static readonly Dictionary<string, string> _modules = new()
    {
        ["ScaledObject"] = "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject",
        ["Gateway"] = "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/Gateway",
        ["HTTPRoute"] = "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute",
    };

    /// <summary>Aspire's own: parameters that it writes whether they are used or not, and the addresses of secrets.</summary>
    private static readonly string[] _bicepWarnings =
    [
        "\"userPrincipalId\" is declared but never used", "\"location\" is declared but never used",
        "\"aca_outputs_azure_container_apps_environment_default_domain\" is declared but never used",
        "use-secure-value-for-secure-inputs: Property 'value' expects a secure value",
    ];

    public static TheoryData<string> All => Sites.All;

    [Theory]
    [MemberData(nameof(All))]
    public async Task Helm_finds_no_fault_in_the_chart(string site)
    {
        var (chart, values) = await Sites.OfAsync(site);

        var (exitCode, output, error) = await DeploymentTools.HelmAsync(
            ["lint", "--strict", chart.Folder, "--values", "-"], values.ToJsonString());

        Assert.True(exitCode == 0, output + error);
    }

    /// <summary>Reads every object into its type, and takes no field that the type does not have.</summary>
    [Theory]
    [MemberData(nameof(All))]
    public async Task Kubernetes_knows_every_field_of_every_object(string site)
    {
        var (chart, values) = await Sites.OfAsync(site);

        var rendered = chart.RenderAll(values);

        Assert.True(rendered.Count > 10, $"Only {rendered.Count} objects.");
        foreach (var (file, text) in rendered.Where(entry => !_modules.ContainsKey((string)Yaml.Parse(entry.Value)["kind"]!)))
        {
            var error = Record.Exception(() => Assert.Single(KubernetesYaml.LoadAllFromString(text, typeMap: null, strict: true)));
            Assert.True(error is null, $"{file}: {error}");
        }
    }

    [Fact]
    public void A_field_that_Kubernetes_does_not_know_is_found()
    {
        var text = Chart.Deployed.Render("api/deployment.yaml", Chart.Deployed.ValuesWithSecrets());

        Assert.ThrowsAny<Exception>(() => KubernetesYaml.LoadAllFromString(
            text.Replace("readOnlyRootFilesystem:", "readOnlyRootFileSystem:", StringComparison.Ordinal), typeMap: null, strict: true));
    }

    [Fact]
    public async Task KEDA_and_the_Gateway_API_know_every_field_of_their_objects()
    {
        HashSet<string> objects = [];
        foreach (var site in All)
        {
            var (chart, values) = await Sites.OfAsync(site);
            objects.UnionWith(chart.RenderAll(values).Values.Select(Yaml.Parse)
                .Where(item => _modules.ContainsKey((string)item["kind"]!)).Select(item => item.ToJsonString()));
        }

        Assert.Equal(_modules.Keys.Order(), objects.Select(text => (string)JsonNode.Parse(text)!["kind"]!).Distinct().Order());

        var (exitCode, output, _) = await CompileAsync(objects);

        Assert.True(exitCode == 0, output);
    }

    [Fact]
    public async Task A_field_that_KEDA_or_the_Gateway_API_does_not_know_is_found()
    {
        var values = Chart.Deployed.ValuesWithSecrets();
        (string File, string Field, string Change)[] faults =
        [
            ("worker/scaler.yaml", "\"minReplicaCount\":", "\"minReplicas\":"),
            ("worker/scaler.yaml", "\"triggers\":", "\"trigger\":"),
            ("api/gateway.yaml", "\"port\":443", "\"port\":\"443\""),
            ("api/route.yaml", "\"hostnames\":", "\"hostname\":"),
        ];

        var (_, output, _) = await CompileAsync(faults.Select(fault =>
            Chart.Deployed.Parse(fault.File, values).ToJsonString().Replace(fault.Field, fault.Change, StringComparison.Ordinal)));

        Assert.All(Enumerable.Range(1, faults.Length), line => Assert.Contains($"({line},", output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("1.29.0", false)]
    [InlineData("1.30.0", true)]
    [InlineData("1.35.2-eks-1", true)]
    public async Task The_chart_wants_the_Kubernetes_that_it_needs(string version, bool isEnough)
    {
        var (exitCode, _, error) = await DeploymentTools.HelmAsync(
            ["template", "ticketapp", Chart.Deployed.Folder, "--kube-version", version, "--values", "-"],
            Chart.Deployed.ValuesWithSecrets().ToJsonString());

        Assert.Equal(isEnough, exitCode == 0);
        Assert.True(isEnough || error.Contains(">= 1.30.0-0", StringComparison.Ordinal), error);
    }

    /// <summary>The rest are modules of <c>main</c>.</summary>
    [Theory]
    [InlineData("main.bicep")]
    [InlineData("api/api.bicep")]
    [InlineData("worker/worker.bicep")]
    [InlineData("rabbitmq/rabbitmq.bicep")]
    [InlineData("database-role/database-role.bicep")]
    public async Task Bicep_has_no_error_and_no_warning_but_those_of_Aspires_own_files(string file)
    {
        var (exitCode, _, error) = await DeploymentTools.BicepAsync(
            "build", Path.Combine(Repository.Root, "deploy", "azure", file), "--stdout");

        Assert.True(exitCode == 0, error);
        Assert.DoesNotContain(
            error.Split('\n', StringSplitOptions.RemoveEmptyEntries),
            line => !_bicepWarnings.Any(text => line.Contains(text, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData()]
    [InlineData("--Deployment:ExternalPostgres=true", "--Deployment:ExternalRabbitMq=true")]
    [InlineData("--Models:llama:Kind=chat", "--Models:llama:Url=https://api.example.com/v1", "--Models:llama:ApiKey=k")]
    public async Task Compose_knows_every_key_of_its_file(params string[] settings)
    {
        var schema = DeploymentTools.ComposeSchema;
        var folder = await Publication.OfTicketAppToAsync("compose", settings);
        var file = Yaml.Parse(await File.ReadAllTextAsync(
            Path.Combine(folder, "docker-compose.yaml"), TestContext.Current.CancellationToken));

        Assert.Equal("", Faults(file));

        file["services"]!["worker"]!["read_onyl"] = true;
        Assert.Contains("read_onyl", Faults(file), StringComparison.Ordinal);

        // Of a choice of forms, those that are not meant have faults too.
        string Faults(JsonNode compose) =>
            schema.Evaluate(JsonSerializer.SerializeToElement(compose), new() { OutputFormat = OutputFormat.List }) is var result
            && result.IsValid ? "" : string.Join('\n', result.Details!.Where(detail => detail.Errors is not null).SelectMany(detail =>
                detail.Errors!.Select(error => $"{detail.InstanceLocation}: {error.Value}")));
    }

    /// <summary>Has the types' own compiler read the objects, each on a line of its own.</summary>
    private static Task<(int ExitCode, string Output, string Error)> CompileAsync(IEnumerable<string> objects) =>
        DeploymentTools.CompileAsync(string.Concat(objects.Select((text, i) =>
        {
            var kind = (string)JsonNode.Parse(text)!["kind"]!;
            return $"import type {{ I{kind} as K{i} }} from \"{_modules[kind]}\"; export const o{i}: K{i} = {text};\n";
        })));
}

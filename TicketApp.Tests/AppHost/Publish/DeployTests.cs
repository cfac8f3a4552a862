using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// What is checked in under deploy/ is what the app model becomes now. If one fails: <c>./ticketapp publish TARGET</c>, and commit.
/// </summary>
public sealed class DeployTests
{
    private const string Password = "Letters0and9digits";
    private static readonly Chart _deployed = new(Path.Combine(Repository.Root, "deploy", "kubernetes"));

    [Theory]
    [InlineData("kubernetes")]
    [InlineData("compose")]
    public async Task Every_file_is_the_models(string target) =>
        Publication.AssertSame(Path.Combine(Repository.Root, "deploy", target), await Publication.OfTicketAppToAsync(target));

    /// <summary>As a person publishes.</summary>
    [Fact]
    public async Task A_process_of_its_own_writes_the_same_and_ends_with_0()
    {
        var folder = Publication.NewFolder();

        var (exitCode, output, error) = await Publication.RunAppHostAsync(folder, "--Deployment:Target=kubernetes");

        Assert.True(exitCode == 0, output + error);
        Publication.AssertSame(Path.Combine(Repository.Root, "deploy", "kubernetes"), folder);
    }

    /// <summary>Both services get the same variables under Compose and on Azure as in the chart, which a test starts them with.</summary>
    [Theory]
    [InlineData("api")]
    [InlineData("worker")]
    public async Task Every_target_gives_a_service_the_same_variables(string service)
    {
        var variables = _deployed.Variables(service, _deployed.ValuesWithSecrets(_ => Password));
        var names = variables.Keys.Order(StringComparer.Ordinal).ToArray();

        var compose = Yaml.Parse(await ReadAsync("compose", "docker-compose.yaml"))["services"]![service]!["environment"]!.AsObject();
        Assert.Equal(names, compose.Select(entry => entry.Key).Order(StringComparer.Ordinal));
        // Other than parameters and addresses, the values are the same too.
        Assert.All(
            compose.Where(entry => !((string)entry.Value!).Contains("${", StringComparison.Ordinal)),
            entry => Assert.Equal((string?)entry.Value, variables[entry.Key].Replace("-service", "", StringComparison.Ordinal)));

        var bicep = await ReadAsync("azure", service, $"{service}.bicep");
        Assert.All(names, name => Assert.Contains($"name: '{name}'", bicep, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("TicketApp.Api", "ConnectionStrings:tickets is not set")]
    [InlineData("TicketApp.Worker", "ConnectionStrings:rabbitmq is not set")]
    public async Task A_service_without_its_servers_ends_and_says_so(string service, string line)
    {
        var (exitCode, output, error) = await Publication.RunAsync("dotnet", [Path.Combine(AppContext.BaseDirectory, $"{service}.dll")]);

        Assert.NotEqual(0, exitCode);
        Assert.Contains(line, (output + error).Split('\n')[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Compose_keeps_the_database_and_its_password_from_the_worker()
    {
        var services = Yaml.Parse(await ReadAsync("compose", "docker-compose.yaml"))["services"]!.AsObject();

        var users = services.Where(service => service.Value!["networks"]!.AsArray().Any(network => (string?)network == "database"));
        Assert.Equal(["api", "postgres"], users.Select(service => service.Key).Order());
        Assert.DoesNotContain("POSTGRES", services["worker"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.All(services, service => Assert.NotNull(service.Value!["deploy"]!["resources"]!["limits"]));
    }

    [Fact]
    public async Task Azure_has_the_probes_the_scale_and_the_grace_of_the_model()
    {
        foreach (var service in (string[])["api", "worker"])
        {
            var bicep = await ReadAsync("azure", service, $"{service}.bicep");
            var deployment = _deployed.Parse($"{service}/deployment.yaml", _deployed.ValuesWithSecrets(_ => Password));
            var probes = deployment["spec"]!["template"]!["spec"]!["containers"]![0]!;
            foreach (var probe in (string[])["startupProbe", "readinessProbe", "livenessProbe"])
            {
                Assert.Contains($"path: '{probes[probe]!["httpGet"]!["path"]}'", bicep, StringComparison.Ordinal);
                Assert.Contains($"failureThreshold: {probes[probe]!["failureThreshold"]}", bicep, StringComparison.Ordinal);
            }
        }

        var worker = await ReadAsync("azure", "worker", "worker.bicep");
        Assert.Contains("type: 'metrics-api'", worker, StringComparison.Ordinal);
        Assert.Contains("/v1/stats'", worker, StringComparison.Ordinal);
        Assert.Contains("terminationGracePeriodSeconds: 465", worker, StringComparison.Ordinal);
        Assert.DoesNotContain("postgres", worker, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("TicketApp.Api", "api")]
    [InlineData("TicketApp.Worker", "worker")]
    public async Task Images_are_named_as_the_chart_names_them(string project, string service)
    {
        var (exitCode, output, error) = await Publication.RunAsync(
            "dotnet", ["msbuild", Path.Combine(Repository.Root, project), "-nologo", "-getProperty:ContainerRepository"]);

        Assert.True(exitCode == 0, output + error);
        Assert.Equal($"{output.Trim()}:latest", (string?)_deployed.Values["parameters"]![service]![$"{service}_image"]);
        Assert.Equal(8080, (long)_deployed.Values["parameters"]![service]!["port_http"]!);
    }

    private static Task<string> ReadAsync(params string[] path) =>
        File.ReadAllTextAsync(Path.Combine([Repository.Root, "deploy", .. path]), TestContext.Current.CancellationToken);
}

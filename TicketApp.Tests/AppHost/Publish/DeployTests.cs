using System.Text.Json.Nodes;
using TicketApp.AppHost.Servers;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// What is checked in under deploy/ is what the app model becomes now. If one fails: <c>./ticketapp publish TARGET</c>, and commit.
/// </summary>
public sealed class DeployTests
{
    private const string Password = "Letters0and9digits";
    private static readonly Chart _deployed = new(Path.Combine(Repository.Root, "deploy", "kubernetes"));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

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

    /// <summary>A service that is broken into has its own account and no other.</summary>
    [Fact]
    public async Task Each_service_gets_its_own_account_at_the_servers_and_no_other()
    {
        var services = Yaml.Parse(await ReadAsync("compose", "docker-compose.yaml"))["services"]!;
        var (api, worker) = (services["api"]!.ToJsonString(), services["worker"]!.ToJsonString());
        Assert.Contains("amqp://worker:${RABBITMQ_WORKER_PASSWORD}@", worker, StringComparison.Ordinal);
        Assert.DoesNotContain("${RABBITMQ_PASSWORD}", worker, StringComparison.Ordinal);
        Assert.DoesNotContain("${RABBITMQ_WORKER_PASSWORD}", api, StringComparison.Ordinal);
        Assert.DoesNotContain("POSTGRES_PASSWORD", api, StringComparison.Ordinal);

        Assert.Equal(["rabbitmq_worker_password"], Secrets("worker"));
        Assert.Equal(["admin_key", "rabbitmq_password", "tickets_password", "webhook_secret_key"], Secrets("api"));

        var (azureApi, azureWorker) = (await ReadAsync("azure", "api", "api.bicep"), await ReadAsync("azure", "worker", "worker.bicep"));
        Assert.DoesNotContain("rabbitmq_password_value", azureWorker, StringComparison.Ordinal);
        Assert.DoesNotContain("rabbitmq_worker_password_value", azureApi, StringComparison.Ordinal);
        var azureDatabase = await ReadAsync("azure", "postgres", "postgres.bicep");
        Assert.Contains("Database=tickets;SSL Mode=VerifyFull'", azureDatabase, StringComparison.Ordinal);

        static IEnumerable<string> Secrets(string service) => _deployed.Values["secrets"]![service]!.AsObject()
            .Select(secret => secret.Key).Where(name => char.IsLower(name[0])).Order(StringComparer.Ordinal);
    }

    /// <summary>The container's shell, as it completes the files of the accounts.</summary>
    [Theory]
    [InlineData("kubernetes")]
    [InlineData("compose")]
    [InlineData("azure")]
    public async Task A_published_broker_starts_with_the_two_accounts(string target)
    {
        var script = target switch
        {
            "kubernetes" => (string)_deployed.Parse("rabbitmq/statefulset.yaml", _deployed.ValuesWithSecrets(_ => Password))
                ["spec"]!["template"]!["spec"]!["containers"]![0]!["args"]![2]!,
            "compose" => ((string)Yaml.Parse(await ReadAsync("compose", "docker-compose.yaml"))
                ["services"]!["rabbitmq"]!["command"]![2]!).Replace("$$", "$", StringComparison.Ordinal),
            _ => (await ReadAsync("azure", "rabbitmq", "rabbitmq.bicep")).Split('\n')
                .Single(line => line.Contains("umask", StringComparison.Ordinal))
                .Trim()[1..^1].Replace("\\'", "'", StringComparison.Ordinal),
        };
        Assert.Equal(ServerScripts.RabbitMqStart, script);

        var folder = Publication.NewFolder();
        // In place of the image's own, and as a user who owns nothing else here.
        await File.WriteAllTextAsync(Path.Combine(folder, "docker-entrypoint.sh"), "#!/bin/sh\ncat $RABBITMQ_CONFIG_FILE; env", Cancel);
        File.SetUnixFileMode(Path.Combine(folder, "docker-entrypoint.sh"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var (exitCode, output, error) = await Publication.RunAsync("env",
            [
                $"PATH={folder}:{Environment.GetEnvironmentVariable("PATH")}",
                "RABBITMQ_DEFAULT_USER=ticketapp", "RABBITMQ_DEFAULT_PASS=one", "WORKER_PASSWORD=two",
                "sh", "-c", script.Replace("/tmp/", $"{folder}/", StringComparison.Ordinal),
            ]);

        Assert.True(exitCode == 0, error);
        Assert.StartsWith($"load_definitions = {folder}/accounts.json\n", output, StringComparison.Ordinal);
        Assert.DoesNotContain("two", output, StringComparison.Ordinal);
        var accounts = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "accounts.json"), Cancel))!;
        Assert.Equal(
            ["ticketapp one", "worker two"], accounts["users"]!.AsArray().Select(user => $"{user!["name"]} {user["password"]}"));
        Assert.Equal(["ticketapp", "worker"], accounts["permissions"]!.AsArray().Select(permission => (string?)permission!["user"]));
    }

    [Fact]
    public async Task A_published_PostgreSQL_starts_with_the_role()
    {
        var script = (string)_deployed.Parse("postgres/statefulset.yaml", _deployed.ValuesWithSecrets(_ => Password))
            ["spec"]!["template"]!["spec"]!["containers"]![0]!["args"]![2]!;
        var folder = Publication.NewFolder();
        await File.WriteAllTextAsync(Path.Combine(folder, "docker-entrypoint.sh"), "#!/bin/sh\necho $*", Cancel);
        File.SetUnixFileMode(Path.Combine(folder, "docker-entrypoint.sh"), UnixFileMode.UserRead | UnixFileMode.UserExecute);

        var (exitCode, output, error) = await Publication.RunAsync("env",
            [
                $"PATH={folder}:{Environment.GetEnvironmentVariable("PATH")}", "TICKETS_PASSWORD=one", "sh", "-c",
                script.Replace("/docker-entrypoint-initdb.d/", $"{folder}/", StringComparison.Ordinal),
            ]);

        Assert.True(exitCode == 0, error);
        Assert.Equal("postgres -c max_connections=300\n", output);
        Assert.Equal(ServerScripts.RoleSql("one"), await File.ReadAllTextAsync(Path.Combine(folder, "role.sql"), Cancel));
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

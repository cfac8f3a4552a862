using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// What is checked in under deploy/ is what the app model becomes now. If one fails: <c>./ticketapp publish TARGET</c>, and commit.
/// </summary>
public sealed partial class DeployTests
{
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
        var variables = Chart.Deployed.Variables(service, Chart.Deployed.ValuesWithSecrets());
        var names = variables.Keys.Order(StringComparer.Ordinal).ToArray();

        var compose = Yaml.Parse(await Publication.ReadAsync("compose", "docker-compose.yaml"))
            ["services"]![service]!["environment"]!.AsObject();
        Assert.Equal(names, compose.Select(entry => entry.Key).Order(StringComparer.Ordinal));
        // Other than parameters and addresses, the values are the same too.
        Assert.All(
            compose.Where(entry => !((string)entry.Value!).Contains("${", StringComparison.Ordinal)),
            entry => Assert.Equal((string?)entry.Value, variables[entry.Key].Replace("-service", "", StringComparison.Ordinal)));

        var bicep = await Publication.ReadAsync("azure", service, $"{service}.bicep");
        var onAzure = EnvironmentEntry().Matches(bicep).Select(match => match.Groups[1].Value).ToArray();
        Assert.Equal(names, onAzure.Where(name => !name.StartsWith("AZURE_", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        // Nothing that nothing reads: the parts of connection strings, of which one is the password.
        Assert.DoesNotContain(names, name => name.Split('_')[0] is "TICKETS" or "RABBITMQ");
        var secrets = SecretName().Matches(bicep).Select(match => match.Groups[1].Value);
        Assert.All(secrets, secret => Assert.Contains($"secretRef: '{secret}'", bicep, StringComparison.Ordinal));
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
        var services = Yaml.Parse(await Publication.ReadAsync("compose", "docker-compose.yaml"))["services"]!.AsObject();

        var users = services.Where(service => NetworksOf(service.Value!).Contains("database"));
        Assert.Equal(["api", "postgres"], users.Select(service => service.Key).Order());
        Assert.DoesNotContain("POSTGRES", services["worker"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.All(services, service => Assert.NotNull(service.Value!["deploy"]!["resources"]!["limits"]));
    }

    /// <summary>A service that is broken into has its own account and no other.</summary>
    [Fact]
    public async Task Each_service_gets_its_own_account_at_the_servers_and_no_other()
    {
        var services = Yaml.Parse(await Publication.ReadAsync("compose", "docker-compose.yaml"))["services"]!;
        var (api, worker) = (services["api"]!.ToJsonString(), services["worker"]!.ToJsonString());
        Assert.Contains("amqps://worker:${RABBITMQ_WORKER_PASSWORD:", worker, StringComparison.Ordinal);
        Assert.DoesNotContain("${RABBITMQ_PASSWORD", worker, StringComparison.Ordinal);
        Assert.DoesNotContain("${RABBITMQ_WORKER_PASSWORD", api, StringComparison.Ordinal);
        Assert.DoesNotContain("POSTGRES_PASSWORD", api, StringComparison.Ordinal);

        Assert.Equal(["rabbitmq_worker_password"], Secrets("worker"));
        Assert.Equal(["admin_key", "rabbitmq_password", "tickets_password", "webhook_secret_key"], Secrets("api"));

        var azureApi = await Publication.ReadAsync("azure", "api", "api.bicep");
        var azureWorker = await Publication.ReadAsync("azure", "worker", "worker.bicep");
        Assert.DoesNotContain("rabbitmq_password_value", azureWorker, StringComparison.Ordinal);
        Assert.DoesNotContain("rabbitmq_worker_password_value", azureApi, StringComparison.Ordinal);
        var azureDatabase = await Publication.ReadAsync("azure", "postgres", "postgres.bicep");
        const string Connection = ";Username=ticketapp;Password=${tickets_password};Database=tickets;SSL Mode=VerifyFull'";
        Assert.Contains(Connection, azureDatabase, StringComparison.Ordinal);
        // The administrator is another one, whom the Api does not know.
        Assert.DoesNotContain("postgres_password", azureApi, StringComparison.Ordinal);
        var azure = await Publication.ReadAsync("azure", "main.bicep");
        Assert.Contains("param postgres_username string = 'ticketapp_admin'", azure, StringComparison.Ordinal);

        static IEnumerable<string> Secrets(string service) => Chart.Deployed.Values["secrets"]![service]!.AsObject()
            .Select(secret => secret.Key).Where(name => char.IsLower(name[0])).Order(StringComparer.Ordinal);
    }

    /// <summary>docs/security.md, asked of what each target gives the services.</summary>
    [Theory]
    [InlineData("kubernetes")]
    [InlineData("compose")]
    [InlineData("azure")]
    public async Task Every_target_has_the_shape_of_this_document(string target)
    {
        var (api, worker) = (await VariablesAsync("api"), await VariablesAsync("worker"));

        Assert.Equal(("keys", "admin"), (api["Auth__Mode"], api["Auth__SignUp"]));
        var database = target == "azure"
            ? await Publication.ReadAsync("azure", "postgres", "postgres.bicep")
            : api["ConnectionStrings__tickets"];
        Assert.Contains(";Username=ticketapp;", database, StringComparison.Ordinal);
        Assert.DoesNotContain("Username=postgres", database, StringComparison.Ordinal);
        Assert.Contains(";SSL Mode=VerifyFull", database, StringComparison.Ordinal);
        // On Azure the broker is a container app, which is not for production: docs/security.md.
        Assert.All([api, worker], service => Assert.True(
            target == "azure" || service["ConnectionStrings__rabbitmq"].StartsWith("amqps://", StringComparison.Ordinal)));
        Assert.DoesNotContain("ConnectionStrings__tickets", worker.Keys);
        Assert.DoesNotContain(worker.Keys, name => name.StartsWith("Auth", StringComparison.Ordinal));
        // The proxy before it says who calls, and nobody from the Internet does.
        Assert.DoesNotContain("0.0.0.0/0", api["Proxies__KnownNetworks"], StringComparison.Ordinal);

        var texts = Directory.EnumerateFiles(Path.Combine(Repository.Root, "deploy", target), "*", SearchOption.AllDirectories)
            .Select(File.ReadAllText).ToArray();
        var images = texts.SelectMany(text => ServerImage().Matches(text)).Select(match => match.Groups[1].Value).Distinct().ToArray();
        Assert.NotEmpty(images);
        Assert.All(images, image => Assert.Matches(@":\d+\.\d+(\.\d+)?(-management|-alpine)?$", image));
        Assert.DoesNotContain(texts, text => text.Contains("allowInsecure: true", StringComparison.Ordinal));

        async Task<Dictionary<string, string>> VariablesAsync(string service) => target switch
        {
            "kubernetes" => Chart.Deployed.Variables(service, Chart.Deployed.ValuesWithSecrets()),
            "compose" => Yaml.Parse(await Publication.ReadAsync("compose", "docker-compose.yaml"))
                ["services"]![service]!["environment"]!.AsObject()
                .ToDictionary(entry => entry.Key, entry => (string)entry.Value!),
            _ => EnvironmentEntry().Matches(await Publication.ReadAsync("azure", service, $"{service}.bicep"))
                .ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value.Trim('\'')),
        };
    }

    /// <summary>The API's identity may read all of it.</summary>
    [Fact]
    public async Task Azures_vault_has_the_connection_string_of_the_API_and_no_other_secret()
    {
        var texts = Directory.EnumerateFiles(Path.Combine(Repository.Root, "deploy", "azure"), "*.bicep", SearchOption.AllDirectories)
            .Select(File.ReadAllText).ToArray();

        var secrets = texts.SelectMany(text => VaultSecret().Matches(text)).Select(match => match.Groups[1].Value).ToArray();
        Assert.Equal(["connectionstrings--tickets"], secrets);
        var server = await Publication.ReadAsync("azure", "postgres", "postgres.bicep");
        // Its own setting, and the parameter.
        Assert.Equal(2, server.Split('\n').Count(line => line.Contains("administratorLoginPassword", StringComparison.Ordinal)
            && !line.Contains("@secure", StringComparison.Ordinal)));
    }

    /// <summary>The servers' images start as root and become another user; the services' do not.</summary>
    [Fact]
    public async Task Compose_gives_a_container_no_capability_but_those_with_which_a_server_becomes_its_user()
    {
        var services = Yaml.Parse(await Publication.ReadAsync("compose", "docker-compose.yaml"))["services"]!.AsObject();

        Assert.All(services, service =>
        {
            Assert.Equal(["ALL"], service.Value!["cap_drop"]!.AsArray().Select(capability => (string)capability!));
            Assert.Equal(["no-new-privileges:true"], service.Value["security_opt"]!.AsArray().Select(option => (string)option!));
            Assert.Equal(
                service.Key switch
                {
                    "postgres" or "rabbitmq" => ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"],
                    // It gives each server its key.
                    "certificates" => ["CHOWN"],
                    _ => [],
                },
                service.Value["cap_add"]?.AsArray().Select(capability => (string)capability!) ?? []);
            Assert.Null(service.Value["privileged"]);
            Assert.DoesNotContain("docker.sock", service.Value.ToJsonString(), StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task PostgreSQL_on_Azure_grows_with_its_data() =>
        Assert.Contains(
            "autoGrow: 'Enabled'", await Publication.ReadAsync("azure", "postgres", "postgres.bicep"), StringComparison.Ordinal);

    [Fact]
    public async Task Compose_starts_nothing_without_its_secrets_and_images()
    {
        var compose = await Publication.ReadAsync("compose", "docker-compose.yaml");
        var variables = ComposeVariable().Matches(compose)
            .Select(match => (Name: match.Groups[1].Value, Otherwise: match.Groups[2].Value)).Distinct().ToArray();

        Assert.Equal(
            ["API_PORT=8080", "OTLP_ENDPOINT=", "RABBITMQ_USERNAME=ticketapp", "WORKER_PORT=8080", "WORKER_SLOTS=100"],
            variables.Where(variable => variable.Otherwise.StartsWith(":-", StringComparison.Ordinal))
                .Select(variable => $"{variable.Name}={variable.Otherwise[2..]}").Order(StringComparer.Ordinal));
        Assert.All(
            variables.Where(variable => !variable.Otherwise.StartsWith(":-", StringComparison.Ordinal)),
            variable => Assert.Equal($":?Set {variable.Name}.", variable.Otherwise));
    }

    /// <summary>Only the Api calls others: receivers of webhooks.</summary>
    [Fact]
    public async Task Compose_lets_only_the_api_and_a_worker_with_a_configured_model_out()
    {
        var published = Yaml.Parse(await Publication.ReadAsync("compose", "docker-compose.yaml"));
        Assert.Equal(["api"], OfOpenNetworks(published));

        var folder = await Publication.OfTicketAppToAsync(
            "compose", "--Models:llama:Kind=chat", "--Models:llama:Url=https://api.example.com/v1", "--Models:llama:ApiKey=k",
            """--Models:llama:InputSchema={"$ref":"#/$defs/a"}""");
        var text = await File.ReadAllTextAsync(Path.Combine(folder, "docker-compose.yaml"), Cancel);
        Assert.Equal(["api", "worker"], OfOpenNetworks(Yaml.Parse(text)));
        // What Compose would complete is written so that it does not.
        var worker = Yaml.Parse(text)["services"]!["worker"]!["environment"]!;
        Assert.Equal("""{"$$ref":"#/$$defs/a"}""", (string?)worker["Models__llama__InputSchema"]);
        Assert.StartsWith("${", (string?)worker["Models__llama__ApiKey"], StringComparison.Ordinal);

        static IEnumerable<string> OfOpenNetworks(JsonObject compose) => compose["services"]!.AsObject()
            .Where(service => NetworksOf(service.Value!)
                .Any(network => compose["networks"]![network]!["internal"] is not { } isInternal || !(bool)isInternal))
            .Select(service => service.Key).Order(StringComparer.Ordinal);
    }

    [Fact]
    public async Task Azure_has_the_probes_the_scale_and_the_grace_of_the_model()
    {
        foreach (var service in (string[])["api", "worker"])
        {
            var bicep = await Publication.ReadAsync("azure", service, $"{service}.bicep");
            var deployment = Chart.Deployed.Parse($"{service}/deployment.yaml", Chart.Deployed.ValuesWithSecrets());
            var probes = deployment["spec"]!["template"]!["spec"]!["containers"]![0]!;
            foreach (var probe in (string[])["startupProbe", "readinessProbe", "livenessProbe"])
            {
                Assert.Contains($"path: '{probes[probe]!["httpGet"]!["path"]}'", bicep, StringComparison.Ordinal);
                Assert.Contains($"failureThreshold: {probes[probe]!["failureThreshold"]}", bicep, StringComparison.Ordinal);
            }
        }

        var worker = await Publication.ReadAsync("azure", "worker", "worker.bicep");
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
        Assert.Equal($"{output.Trim()}:latest", (string?)Chart.Deployed.Values["parameters"]![service]![$"{service}_image"]);
        Assert.Equal(8080, (long)Chart.Deployed.Values["parameters"]![service]!["port_http"]!);
    }

    /// <summary>Where nothing else is said. What is for another processor than this machine's is compiled where there is one.</summary>
    [Theory]
    [InlineData(true, "-p:ContainerRegistry=registry.example.com")]
    [InlineData(true, "-p:ContainerImageTag=1.0.0")]
    [InlineData(true, "-p:ContainerArchiveOutputPath=api.tar.gz")]
    [InlineData(false, "-p:Configuration=Release")]
    [InlineData(false, "-p:ContainerImageTag=1.0.0", "-p:Native=false")]
    [InlineData(false, "-p:ContainerImageTag=1.0.0", "-p:RuntimeIdentifier=linux-s390x")]
    public async Task Images_are_native_and_chiseled_and_have_a_user(bool isNative, params string[] properties)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux compiles for Linux.");
        foreach (var project in (string[])["TicketApp.Api", "TicketApp.Worker"])
        {
            var (exitCode, output, error) = await Publication.RunAsync(
                "dotnet",
                [
                    "msbuild", Path.Combine(Repository.Root, project), "-nologo", .. properties,
                    "-getProperty:PublishAot,ContainerFamily,ContainerUser",
                ]);

            Assert.True(exitCode == 0, output + error);
            var found = JsonNode.Parse(output)!["Properties"]!;
            Assert.Equal(isNative, (string?)found["PublishAot"] == "true");
            Assert.Equal("noble-chiseled", (string?)found["ContainerFamily"]);
            Assert.Equal("1654", (string?)found["ContainerUser"]);
        }
    }

    /// <summary>None is no network at all: of what has none, Compose asks for a mode.</summary>
    private static IEnumerable<string> NetworksOf(JsonNode service)
    {
        Assert.Equal(service["networks"] is null ? "none" : null, (string?)service["network_mode"]);
        return service["networks"]?.AsArray().Select(network => (string)network!) ?? [];
    }

    [GeneratedRegex(@"name: '([^']+)'\n {14}(?:value|secretRef): (.*)")]
    private static partial Regex EnvironmentEntry();

    [GeneratedRegex(@"Microsoft\.KeyVault/vaults/secrets@[^']+' = \{\n  name: '([^']+)'")]
    private static partial Regex VaultSecret();

    [GeneratedRegex(@"image: [""'](docker\.io/[^""']+)[""']")]
    private static partial Regex ServerImage();

    [GeneratedRegex(@"name: '([^']+)'\n {10}(?:value|identity):")]
    private static partial Regex SecretName();

    // What a shell in a container completes has two of the first sign.
    [GeneratedRegex(@"(?<!\$)\$\{([A-Z_]+)([^}]*)\}")]
    private static partial Regex ComposeVariable();
}

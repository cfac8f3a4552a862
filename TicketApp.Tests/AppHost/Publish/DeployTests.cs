using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using TicketApp.AppHost.Servers;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// What is checked in under deploy/ is what the app model becomes now. If one fails: <c>./ticketapp publish TARGET</c>, and commit.
/// </summary>
public sealed partial class DeployTests
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
        Assert.Contains("amqp://worker:${RABBITMQ_WORKER_PASSWORD:", worker, StringComparison.Ordinal);
        Assert.DoesNotContain("${RABBITMQ_PASSWORD", worker, StringComparison.Ordinal);
        Assert.DoesNotContain("${RABBITMQ_WORKER_PASSWORD", api, StringComparison.Ordinal);
        Assert.DoesNotContain("POSTGRES_PASSWORD", api, StringComparison.Ordinal);

        Assert.Equal(["rabbitmq_worker_password"], Secrets("worker"));
        Assert.Equal(["admin_key", "rabbitmq_password", "tickets_password", "webhook_secret_key"], Secrets("api"));

        var (azureApi, azureWorker) = (await ReadAsync("azure", "api", "api.bicep"), await ReadAsync("azure", "worker", "worker.bicep"));
        Assert.DoesNotContain("rabbitmq_password_value", azureWorker, StringComparison.Ordinal);
        Assert.DoesNotContain("rabbitmq_worker_password_value", azureApi, StringComparison.Ordinal);
        var azureDatabase = await ReadAsync("azure", "postgres", "postgres.bicep");
        const string Connection = ";Username=ticketapp;Password=${tickets_password};Database=tickets;SSL Mode=VerifyFull'";
        Assert.Contains(Connection, azureDatabase, StringComparison.Ordinal);
        // The administrator is another one, whom the Api does not know.
        Assert.DoesNotContain("postgres_password", azureApi, StringComparison.Ordinal);
        var azure = await ReadAsync("azure", "main.bicep");
        Assert.Contains("param postgres_username string = 'ticketapp_admin'", azure, StringComparison.Ordinal);

        static IEnumerable<string> Secrets(string service) => _deployed.Values["secrets"]![service]!.AsObject()
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
        var database = target == "azure" ? await ReadAsync("azure", "postgres", "postgres.bicep") : api["ConnectionStrings__tickets"];
        Assert.Contains(";Username=ticketapp;", database, StringComparison.Ordinal);
        Assert.DoesNotContain("Username=postgres", database, StringComparison.Ordinal);
        Assert.DoesNotContain("ConnectionStrings__tickets", worker.Keys);
        Assert.DoesNotContain(worker.Keys, name => name.StartsWith("Auth", StringComparison.Ordinal));
        // The proxy before it says who calls, and nobody from the Internet does.
        Assert.DoesNotContain("0.0.0.0/0", api["Proxies__KnownNetworks"], StringComparison.Ordinal);

        var texts = Directory.EnumerateFiles(Path.Combine(Repository.Root, "deploy", target), "*", SearchOption.AllDirectories)
            .Where(file => !file.EndsWith("values.yaml", StringComparison.Ordinal)).Select(File.ReadAllText).ToArray();
        var images = texts.SelectMany(text => ServerImage().Matches(text)).Select(match => match.Groups[1].Value).Distinct().ToArray();
        Assert.NotEmpty(images);
        Assert.All(images, image => Assert.Matches(@":\d+\.\d+(\.\d+)?(-management|-alpine)?$", image));
        Assert.DoesNotContain(texts, text => text.Contains("allowInsecure: true", StringComparison.Ordinal));

        async Task<Dictionary<string, string>> VariablesAsync(string service) => target switch
        {
            "kubernetes" => _deployed.Variables(service, _deployed.ValuesWithSecrets(_ => Password)),
            "compose" => Yaml.Parse(await ReadAsync("compose", "docker-compose.yaml"))["services"]![service]!["environment"]!.AsObject()
                .ToDictionary(entry => entry.Key, entry => (string)entry.Value!),
            _ => EnvironmentEntry().Matches(await ReadAsync("azure", service, $"{service}.bicep"))
                .ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value.Trim('\'')),
        };
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
        var folder = Publication.NewFolder();

        var (exitCode, output, error) = await StartPostgresAsync(folder, Path.Combine(folder, "none"));

        Assert.True(exitCode == 0, error);
        Assert.Equal("postgres -c max_connections=300\n", output);
        Assert.Equal(ServerScripts.RoleSql("one"), (await File.ReadAllTextAsync(Path.Combine(folder, "role.sql"), Cancel)).TrimEnd('\n'));
    }

    /// <summary>Data of a chart that had no role of its own, or one with another password.</summary>
    [Fact]
    public async Task A_published_PostgreSQL_gives_the_role_and_its_password_to_older_data()
    {
        Assert.SkipWhen(Postgres is null, "PostgreSQL is not installed.");
        var directory = AppProcesses.CreateDirectory();
        try
        {
            var (folder, data) = (directory.FullName, Path.Combine(directory.FullName, "data"));
            await RunAsync($"mkdir {data}; [ $(id -u) != 0 ] || chown postgres {data}");
            await RunAsync($"{As} {Postgres}/initdb -N -D {data} -U postgres --auth=trust >{folder}/log");
            await RunAsync($"echo 'create database tickets' | {As} {Postgres}/postgres --single -D {data} postgres >>{folder}/log");

            for (var start = 0; start < 2; start++)
            {
                var (exitCode, output, error) = await StartPostgresAsync(folder, data);
                Assert.True(exitCode == 0, error);
                Assert.Equal("postgres -c max_connections=300\n", output);
            }

            var found = await RunAsync(
                "echo \"select rolcanlogin and not rolsuper and rolpassword is not null as fit from pg_authid "
                + "where rolname = 'ticketapp'\" | "
                + $"{As} {Postgres}/postgres --single -D {data} tickets 2>&1");
            Assert.Contains("fit = \"t\"", found, StringComparison.Ordinal);
            Assert.False(File.Exists(Path.Combine(folder, "role.sql")));

            // What is being restored is left alone, and what cannot be opened starts nothing.
            await File.WriteAllTextAsync(Path.Combine(data, "recovery.signal"), "", Cancel);
            Assert.Equal(0, (await StartPostgresAsync(folder, data)).ExitCode);
            File.Delete(Path.Combine(data, "recovery.signal"));
            File.Delete(Path.Combine(data, "global", "pg_control"));
            Assert.Equal(1, (await StartPostgresAsync(folder, data)).ExitCode);
        }
        finally
        {
            directory.Delete(recursive: true);
        }

        static async Task<string> RunAsync(string script)
        {
            var (exitCode, output, error) = await Publication.RunAsync("sh", ["-c", script]);
            Assert.True(exitCode == 0, output + error);
            return output;
        }
    }

    /// <summary>On a server that Azure runs, a job makes the role.</summary>
    [Fact]
    public async Task Azures_job_makes_the_role_as_the_administrator_over_verified_TLS()
    {
        var bicep = await ReadAsync("azure", "database-role", "database-role.bicep");

        var script = bicep.Split('\n').Single(line => line.Contains("printf", StringComparison.Ordinal));
        Assert.Equal(ServerScripts.MakeRole, script.Trim()[1..^1].Replace("\\'", "'", StringComparison.Ordinal));
        Assert.Matches(@"name: 'PGSSLMODE'\s+value: 'verify-full'", bicep);
        Assert.Matches(@"name: 'PGUSER'\s+value: postgres_username_value", bicep);
        Assert.Matches(@"image: '[^']+:\d+\.\d+-alpine'", bicep);
    }

    [Fact]
    public async Task PostgreSQL_on_Azure_grows_with_its_data() =>
        Assert.Contains("autoGrow: 'Enabled'", await ReadAsync("azure", "postgres", "postgres.bicep"), StringComparison.Ordinal);

    [Fact]
    public async Task Compose_starts_nothing_without_its_secrets_and_images()
    {
        var compose = await ReadAsync("compose", "docker-compose.yaml");
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
        var published = Yaml.Parse(await ReadAsync("compose", "docker-compose.yaml"));
        Assert.Equal(["api"], OfOpenNetworks(published));

        var folder = await Publication.OfTicketAppToAsync(
            "compose", "--Models:llama:Kind=chat", "--Models:llama:Url=https://api.example.com/v1", "--Models:llama:ApiKey=k");
        var text = await File.ReadAllTextAsync(Path.Combine(folder, "docker-compose.yaml"), Cancel);
        Assert.Equal(["api", "worker"], OfOpenNetworks(Yaml.Parse(text)));

        static IEnumerable<string> OfOpenNetworks(JsonObject compose) => compose["services"]!.AsObject()
            .Where(service => service.Value!["networks"]!.AsArray()
                .Any(network => compose["networks"]![(string)network!]!["internal"] is not { } isInternal || !(bool)isInternal))
            .Select(service => service.Key).Order(StringComparer.Ordinal);
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

    /// <summary>The folder with the programs of PostgreSQL, if it is installed.</summary>
    private static string? Postgres => Directory.Exists("/usr/lib/postgresql")
        ? Directory.EnumerateFiles("/usr/lib/postgresql", "initdb", SearchOption.AllDirectories).Select(Path.GetDirectoryName).Max()
        : null;

    /// <summary>Root cannot run PostgreSQL.</summary>
    private static string As => "$([ $(id -u) != 0 ] || echo setpriv --reuid=postgres --regid=postgres --clear-groups)";

    /// <summary>Runs the script of the published PostgreSQL on some data, with a stand-in for what the image then does.</summary>
    private static async Task<(int ExitCode, string Output, string Error)> StartPostgresAsync(string folder, string data)
    {
        var script = (string)_deployed.Parse("postgres/statefulset.yaml", _deployed.ValuesWithSecrets(_ => Password))
            ["spec"]!["template"]!["spec"]!["containers"]![0]!["args"]![2]!;
        await WriteProgramAsync("docker-entrypoint.sh", "echo $*");
        await WriteProgramAsync("gosu", "user=$1; shift; exec setpriv --reuid=$user --regid=$user --clear-groups \"$@\"");
        return await Publication.RunAsync(
            "env",
            [
                $"PATH={folder}:{Postgres}:{Environment.GetEnvironmentVariable("PATH")}", "TICKETS_PASSWORD=one", $"PGDATA={data}",
                "sh", "-c",
                script.Replace("/docker-entrypoint-initdb.d/", $"{folder}/", StringComparison.Ordinal),
            ]);

        async Task WriteProgramAsync(string name, string text)
        {
            var path = Path.Combine(folder, name);
            await File.WriteAllTextAsync(path, $"#!/bin/sh\n{text}\n", Cancel);
            File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32("755", 8));
        }
    }

    [GeneratedRegex(@"name: '([^']+)'\n {14}(?:value|secretRef): (.*)")]
    private static partial Regex EnvironmentEntry();

    [GeneratedRegex(@"image: [""'](docker\.io/[^""']+)[""']")]
    private static partial Regex ServerImage();

    [GeneratedRegex(@"name: '([^']+)'\n {10}(?:value|identity):")]
    private static partial Regex SecretName();

    // What a shell in a container completes has two of the first sign.
    [GeneratedRegex(@"(?<!\$)\$\{([A-Z_]+)([^}]*)\}")]
    private static partial Regex ComposeVariable();

    private static Task<string> ReadAsync(params string[] path) =>
        File.ReadAllTextAsync(Path.Combine([Repository.Root, "deploy", .. path]), TestContext.Current.CancellationToken);
}

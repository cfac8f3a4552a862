using System.Text.Json.Nodes;
using TicketApp.AppHost.Servers;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>What deploy/ starts its own servers with: the scripts that make their accounts and roles.</summary>
public sealed class PublishedServerTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The container's shell, as it completes the files of the accounts.</summary>
    [Theory]
    [InlineData("kubernetes")]
    [InlineData("compose")]
    [InlineData("azure")]
    public async Task A_published_broker_starts_with_the_two_accounts(string target)
    {
        var script = target switch
        {
            "kubernetes" => (string)Chart.Deployed.Parse("rabbitmq/statefulset.yaml", Chart.Deployed.ValuesWithSecrets())
                ["spec"]!["template"]!["spec"]!["containers"]![0]!["args"]![2]!,
            "compose" => ((string)Yaml.Parse(await Publication.ReadAsync("compose", "docker-compose.yaml"))
                ["services"]!["rabbitmq"]!["command"]![2]!).Replace("$$", "$", StringComparison.Ordinal),
            _ => (await Publication.ReadAsync("azure", "rabbitmq", "rabbitmq.bicep")).Split('\n')
                .Single(line => line.Contains("umask", StringComparison.Ordinal))
                .Trim()[1..^1].Replace("\\'", "'", StringComparison.Ordinal),
        };
        Assert.Equal(ServerScripts.RabbitMqStart(hasTls: target != "azure"), script);

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
        // Nobody comes without TLS, but on Azure, where it is for trying out.
        Assert.Equal(target != "azure", output.Contains("\nlisteners.tcp = none\n", StringComparison.Ordinal));
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
        AssertStarted(folder, output);
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
                AssertStarted(folder, output);
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
        var bicep = await Publication.ReadAsync("azure", "database-role", "database-role.bicep");

        var script = bicep.Split('\n').Single(line => line.Contains("printf", StringComparison.Ordinal));
        Assert.Equal(ServerScripts.MakeRole, script.Trim()[1..^1].Replace("\\'", "'", StringComparison.Ordinal));
        Assert.Matches(@"name: 'PGSSLMODE'\s+value: 'verify-full'", bicep);
        Assert.Matches(@"name: 'PGUSER'\s+value: postgres_username_value", bicep);
        Assert.Matches(@"image: '[^']+:\d+\.\d+-alpine'", bicep);
    }

    private static void AssertStarted(string folder, string output) => Assert.Equal(
        $"postgres -c max_connections=300 {ServerTls.PostgresSettings}\n", output.Replace(folder, "/tmp", StringComparison.Ordinal));

    /// <summary>The folder with the programs of PostgreSQL, if it is installed.</summary>
    private static string? Postgres => Directory.Exists("/usr/lib/postgresql")
        ? Directory.EnumerateFiles("/usr/lib/postgresql", "initdb", SearchOption.AllDirectories).Select(Path.GetDirectoryName).Max()
        : null;

    /// <summary>Root cannot run PostgreSQL.</summary>
    private static string As => "$([ $(id -u) != 0 ] || echo setpriv --reuid=postgres --regid=postgres --clear-groups)";

    /// <summary>
    /// Runs the script of the published PostgreSQL on some data, with a stand-in for what the image then does. Root has the capabilities
    /// that it has under Compose.
    /// </summary>
    private static async Task<(int ExitCode, string Output, string Error)> StartPostgresAsync(string folder, string data)
    {
        var script = (string)Chart.Deployed.Parse("postgres/statefulset.yaml", Chart.Deployed.ValuesWithSecrets())
            ["spec"]!["template"]!["spec"]!["containers"]![0]!["args"]![2]!;
        await WriteProgramAsync("docker-entrypoint.sh", "echo $*");
        await WriteProgramAsync("gosu", "user=$1; shift; exec setpriv --reuid=$user --regid=$user --clear-groups \"$@\"");
        var capabilities = string.Join(
            ',', Yaml.Parse(await Publication.ReadAsync("compose", "docker-compose.yaml"))["services"]!["postgres"]!["cap_add"]!.AsArray()
                .Select(capability => $"+{((string)capability!).ToLowerInvariant()}"));
        string[] confined = PodRights.AreKept ? ["setpriv", "--no-new-privs", "--bounding-set", $"-all,{capabilities}"] : [];
        return await Publication.RunAsync(
            "env",
            [
                .. confined, "env", $"PATH={folder}:{Postgres}:{Environment.GetEnvironmentVariable("PATH")}",
                "TICKETS_PASSWORD=one", $"PGDATA={data}",
                "sh", "-c",
                script.Replace("/tmp/", $"{folder}/", StringComparison.Ordinal)
                    .Replace("/docker-entrypoint-initdb.d/", $"{folder}/", StringComparison.Ordinal),
            ]);

        async Task WriteProgramAsync(string name, string text)
        {
            var path = Path.Combine(folder, name);
            await File.WriteAllTextAsync(path, $"#!/bin/sh\n{text}\n", Cancel);
            File.SetUnixFileMode(path, (UnixFileMode)Convert.ToInt32("755", 8));
        }
    }
}

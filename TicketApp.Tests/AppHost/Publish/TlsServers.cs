using System.Globalization;
using System.Text.Json.Nodes;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// PostgreSQL and RabbitMQ of this machine, started by the scripts of the chart, with its secrets and its variables. What the images do is
/// done by a program in its place. Ports and folders alone are others.
/// </summary>
public sealed class TlsServers : IAsyncLifetime
{
    public const string Postgres = "postgres";
    public const string RabbitMq = "rabbitmq";
    public const string Key = "TheKeyOfTheAdministratorAndOfWebhooks";

    private const string Password = "Letters0and9digits";

    private readonly List<ChildProcess> _processes = [];
    private JsonObject? _values;
    private DirectoryInfo? _directory;

    public int PostgresPort { get; } = AppProcesses.NextPort();

    public int RabbitMqPort { get; } = AppProcesses.NextPort();

    /// <summary>The Api's connection to the database, where its name is this machine's.</summary>
    internal NpgsqlConnectionStringBuilder Database => new()
    {
        Host = "localhost",
        Port = PostgresPort,
        Username = "ticketapp",
        Password = Password,
        Database = "tickets",
        SslMode = SslMode.VerifyFull,
        RootCertificate = AuthorityOf(Postgres),
        Pooling = false,
    };

    /// <summary>The workers' account, without TLS.</summary>
    public Uri PlainBroker => new($"amqp://worker:{Password}@localhost:{RabbitMqPort.ToString(CultureInfo.InvariantCulture)}");

    private string Folder => _directory!.FullName;

    public async ValueTask InitializeAsync()
    {
        if (!DeploymentTools.HasHelm || !OperatingSystem.IsLinux()
            || !Directory.Exists("/usr/lib/postgresql") || !Directory.Exists("/usr/lib/rabbitmq"))
        {
            return;
        }

        _directory = AppProcesses.CreateDirectory();
        _values = Chart.Deployed.ValuesWithSecrets(name => name.EndsWith("_key", StringComparison.Ordinal) ? Key : Password);
        await WriteSecretsAsync();
        var epmd = AppProcesses.NextPort();
        var node = Path.Combine(Folder, RabbitMq);
        _processes.Add(AppProcesses.Epmd(epmd));
        _processes.Add(await CreateAsync(
            Postgres,
            PostgresPort,
            $"""
            shift
            if [ ! -s "$PGDATA/PG_VERSION" ]; then
              printf %s "$POSTGRES_PASSWORD" >"$PGDATA.password"
              initdb -N -D "$PGDATA" --username=postgres --pwfile="$PGDATA.password" $POSTGRES_INITDB_ARGS
              echo "create database $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres
              postgres --single -D "$PGDATA" "$POSTGRES_DB" <{Folder}/{Postgres}/role.sql
            fi
            exec postgres -D "$PGDATA" -p {PostgresPort} -c listen_addresses=127.0.0.1 -c unix_socket_directories= "$@"
            """,
            new() { ["PGDATA"] = Path.Combine(Folder, Postgres, "data"), ["LC_ALL"] = "C.UTF-8" },
            IsDatabaseReadyAsync));
        _processes.Add(await CreateAsync(
            RabbitMq,
            RabbitMqPort,
            "exec \"$(ls -d /usr/lib*/rabbitmq/lib/rabbitmq_server-*/sbin /opt/rabbitmq*/sbin 2>/dev/null | sort -V | tail -n 1)/$1\"",
            new()
            {
                ["HOME"] = node,
                ["ERL_EPMD_PORT"] = epmd.ToString(CultureInfo.InvariantCulture),
                ["RABBITMQ_DIST_PORT"] = AppProcesses.NextPort().ToString(CultureInfo.InvariantCulture),
                ["RABBITMQ_CONF_ENV_FILE"] = "/dev/null",
                ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(node, "plugins"),
                ["RABBITMQ_MNESIA_BASE"] = Path.Combine(node, "data"),
                ["RABBITMQ_LOG_BASE"] = Path.Combine(node, "log"),
                // Erlang looks for changed files every two minutes.
                ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] =
                    "-kernel inet_dist_use_interface {127,0,0,1} -ssl ssl_pem_cache_clean 1000",
                ["RUNNING_UNDER_SYSTEMD"] = "true",
            },
            () => AppProcesses.ListensAsync(RabbitMqPort)));
        await Task.WhenAll(_processes.Select(process => process.StartAsync()));
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_processes.Select(process => process.DisposeAsync().AsTask()));
        _directory?.Delete(recursive: true);
    }

    /// <summary>Skips the test where there are no such servers.</summary>
    public void Require()
    {
        Assert.SkipUnless(DeploymentTools.HasHelm, DeploymentTools.NoHelm);
        if (_directory is null)
        {
            AppAvailability.Refuse("PostgreSQL and RabbitMQ are not installed here.");
        }
    }

    /// <summary>The file with the certificate of a server.</summary>
    public string CertificateOf(string server) => Path.Combine(Folder, "secrets", server, "tls.crt");

    /// <summary>The file with the authority of a server.</summary>
    public string AuthorityOf(string server) => Path.Combine(Folder, "secrets", server, "ca.crt");

    /// <summary>Gives the servers other certificates, of other authorities, as Kubernetes replaces files of a secret.</summary>
    public Task RenewAsync()
    {
        _values = (JsonObject)_values!.DeepClone();
        // Rendered again.
        _values["config"]!["api"]!["runbooks"] = Guid.NewGuid().ToString();
        return WriteSecretsAsync();
    }

    /// <summary>A service as the chart starts it.</summary>
    /// <param name="service">Its name.</param>
    /// <param name="port">Where it listens.</param>
    /// <param name="change">Changes variables.</param>
    /// <param name="authority">Verifies all servers, in place of their own authorities.</param>
    /// <param name="line">What it writes when it is ready; null: it is healthy.</param>
    internal ChildProcess Service(
        string service, int port, Func<string, string>? change = null, string? authority = null, string? line = null)
    {
        var workload = Chart.Deployed.Parse($"{service}/deployment.yaml", _values!);
        var run = Directory.CreateDirectory(Path.Combine(Folder, $"{service}-{port.ToString(CultureInfo.InvariantCulture)}")).FullName;
        File.WriteAllText(Path.Combine(run, "hosts"), "127.0.0.1 localhost postgres-service rabbitmq-service\n");
        MountSecrets(workload, run, authority);
        var variables = Chart.Deployed.Variables(service, _values!).ToDictionary(variable => variable.Key, variable =>
        {
            var value = variable.Value.Replace("Port=5432", $"Port={PostgresPort}", StringComparison.Ordinal)
                .Replace(":5671", $":{RabbitMqPort}", StringComparison.Ordinal);
            value = change?.Invoke(value) ?? value;
            return PodRights.AreKept ? value : value.Replace("/run/", $"{run}/", StringComparison.Ordinal)
                .Replace("postgres-service", "localhost", StringComparison.Ordinal)
                .Replace("rabbitmq-service", "localhost", StringComparison.Ordinal);
        });
        variables["ASPNETCORE_ENVIRONMENT"] = "Production";
        variables["Simulator__MinDuration"] = variables["Simulator__MaxDuration"] = "00:00:00.010";
        var program = Repository.OutputOf(service == "api" ? "TicketApp.Api" : "TicketApp.Worker");
        var rights = Workloads.InCluster(Chart.Deployed).Read(service, new Dictionary<string, string>());
        var command = PodRights.Of(rights, program, run: run);
        if (line is null)
        {
            return AppProcesses.Service(service, port, variables, [.. command]);
        }

        variables["ASPNETCORE_URLS"] = $"http://127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}";
        ChildProcess? process = null;
        process = new(service, command, variables, () => Task.FromResult(
            process!.Output.Any(text => text.Contains(line, StringComparison.Ordinal))));
        return process;
    }

    /// <summary>What a pod finds in <c>/run</c> of the secrets that it mounts.</summary>
    private void MountSecrets(JsonObject workload, string run, string? authority)
    {
        var pod = workload["spec"]!["template"]!["spec"]!;
        foreach (var volume in pod["volumes"]!.AsArray().Where(volume => volume!["secret"] is not null))
        {
            var mount = pod["containers"]![0]!["volumeMounts"]!.AsArray()
                .Single(mount => (string?)mount!["name"] == (string?)volume!["name"])!;
            var data = DataOf(((string)volume!["secret"]!["secretName"]!).Replace("-tls", "", StringComparison.Ordinal));
            var folder = Directory.CreateDirectory(Path.Combine(run, Path.GetRelativePath("/run", (string)mount["mountPath"]!))).FullName;
            foreach (var item in volume["secret"]!["items"]!.AsArray())
            {
                var file = Path.Combine(folder, (string)item!["path"]!);
                File.WriteAllBytes(file, authority is null ? data[(string)item["key"]!] : File.ReadAllBytes(authority));
            }
        }
    }

    private Dictionary<string, byte[]> DataOf(string server) => Chart.Deployed.Parse($"{server}/tls.yaml", _values!)["data"]!.AsObject()
        .ToDictionary(entry => entry.Key, entry => Convert.FromBase64String((string)entry.Value!));

    /// <summary>Root's, and readable by the server's user, as a volume of a pod with its group.</summary>
    private async Task WriteSecretsAsync()
    {
        foreach (var server in (string[])[Postgres, RabbitMq])
        {
            var folder = Directory.CreateDirectory(Path.Combine(Folder, "secrets", server)).FullName;
            foreach (var (name, bytes) in DataOf(server))
            {
                var file = Path.Combine(folder, name);
                await File.WriteAllBytesAsync($"{file}.new", bytes, TestContext.Current.CancellationToken);
                await ShellAsync(
                    name == "ca.crt" ? $"chmod 444 {file}.new"
                    : PodRights.AreKept ? $"chgrp {server} {file}.new && chmod 440 {file}.new"
                    : $"chmod 400 {file}.new");
                File.Move($"{file}.new", file, overwrite: true);
            }
        }
    }

    private async Task<ChildProcess> CreateAsync(
        string server, int port, string image, Dictionary<string, string> variables, Func<Task<bool>> isReady)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Folder, server)).FullName;
        var programs = Directory.CreateDirectory(Path.Combine(Folder, $"{server}-image")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "plugins"), "[].", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            Path.Combine(programs, "docker-entrypoint.sh"), $"#!/bin/sh\nset -eu\n{image}\n", TestContext.Current.CancellationToken);
        await ShellAsync($"chmod 755 {programs}/*; [ $(id -u) != 0 ] || chown -R {server} {folder}; chmod 700 {folder}");
        var versions = Directory.EnumerateFiles("/usr/lib/postgresql", "initdb", SearchOption.AllDirectories).Select(Path.GetDirectoryName);
        variables["PATH"] = $"{programs}:{versions.Max()}:/usr/sbin:/usr/bin:/sbin:/bin";
        foreach (var (name, value) in Chart.Deployed.Variables(server, _values!))
        {
            variables[name] = value;
        }

        var script = (string)Chart.Deployed.Parse($"{server}/statefulset.yaml", _values!)
            ["spec"]!["template"]!["spec"]!["containers"]![0]!["args"]![2]!;
        script = script.Replace("/tmp/", $"{folder}/", StringComparison.Ordinal)
            .Replace("/docker-entrypoint-initdb.d/", $"{folder}/", StringComparison.Ordinal)
            .Replace("/run/secrets/", $"{Folder}/secrets/", StringComparison.Ordinal)
            .Replace("listeners.ssl.default = 5671", $"listeners.ssl.default = 127.0.0.1:{port}", StringComparison.Ordinal)
            .Replace("sleep 60", "sleep 1", StringComparison.Ordinal);
        string[] user = PodRights.AreKept
            ? ["setpriv", "--reuid", server, "--regid", server, "--init-groups", "--pdeathsig", "KILL"]
            : [];
        return new(server, [.. user, "sh", "-c", script], variables, isReady)
        {
            QuickStopSignal = server == Postgres ? "QUIT" : null,
        };
    }

    private async Task<bool> IsDatabaseReadyAsync()
    {
        try
        {
            await using NpgsqlConnection attempt = new(Database.ConnectionString);
            await attempt.OpenAsync();
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private static async Task ShellAsync(string script)
    {
        var (exitCode, output, error) = await Publication.RunAsync("sh", ["-euc", script]);
        Assert.True(exitCode == 0, output + error);
    }
}

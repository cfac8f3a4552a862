using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using TicketApp.AppHost.Servers;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>Where the certificates of the published servers come from, and who gets what of them.</summary>
public sealed class ServerCertificateTests
{
    private static readonly string[] _servers = ["postgres", "rabbitmq"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void Each_server_of_the_chart_has_a_certificate_that_names_it_of_an_authority_of_its_own()
    {
        var values = Chart.Deployed.ValuesWithSecrets();
        HashSet<string> authorities = [];
        foreach (var server in _servers)
        {
            var secret = Chart.Deployed.Parse($"{server}/tls.yaml", values);
            Assert.Equal("kubernetes.io/tls", (string?)secret["type"]);
            using var authority = X509Certificate2.CreateFromPem(Text(secret, "ca.crt"));
            using var certificate = X509Certificate2.CreateFromPem(Text(secret, "tls.crt"), Text(secret, "tls.key"));

            AssertNames(certificate, authority, $"{server}-service", $"{server}-service.ticketapp.svc.cluster.local", "localhost");
            Assert.All(_servers.Where(other => other != server), other => Assert.False(certificate.MatchesHostname($"{other}-service")));
            authorities.Add(authority.Thumbprint);
        }

        Assert.Equal(_servers.Length, authorities.Count);

        static string Text(JsonNode secret, string name) =>
            Encoding.ASCII.GetString(Convert.FromBase64String((string)secret["data"]![name]!));
    }

    /// <summary>The key stays with its server; who connects gets what verifies the servers that it connects to.</summary>
    [Theory]
    [InlineData("defaults", "postgres-tls", "rabbitmq-tls")]
    [InlineData("certificates of the site", "database-certificate", "broker-certificate")]
    public async Task Each_pod_gets_the_secrets_of_its_servers_and_a_server_alone_a_key(string site, string postgres, string rabbitmq)
    {
        var (chart, values) = await Sites.OfAsync(site);

        Assert.Equal([$"{postgres}: all"], SecretsOf("postgres/statefulset.yaml"));
        Assert.Equal([$"{rabbitmq}: all"], SecretsOf("rabbitmq/statefulset.yaml"));
        Assert.Equal([$"{postgres}: ca.crt", $"{rabbitmq}: ca.crt"], SecretsOf("api/deployment.yaml"));
        Assert.Equal([$"{rabbitmq}: ca.crt"], SecretsOf("worker/deployment.yaml"));
        // A secret of the site is the site's.
        Assert.All(_servers, server => Assert.Equal(site == "defaults", chart.RenderAll(values).ContainsKey($"{server}/tls.yaml")));

        IEnumerable<string> SecretsOf(string file) => chart.Parse(file, values)["spec"]!["template"]!["spec"]!["volumes"]!.AsArray()
            .Select(volume => volume!["secret"]).OfType<JsonObject>()
            .Select(secret => $"{secret["secretName"]}: {(secret["items"] is { } items ? string.Join(',', items.AsArray()
                .Select(item => (string?)item!["key"])) : "all")}");
    }

    [Fact]
    public async Task A_server_that_is_somewhere_else_has_no_certificate_in_the_chart()
    {
        var (chart, values) = await Sites.OfAsync("external servers");

        Assert.DoesNotContain(chart.RenderAll(values), item => item.Value.Contains("kubernetes.io/tls", StringComparison.Ordinal));
        Assert.All(["api", "worker"], service => Assert.DoesNotContain(
            chart.Parse($"{service}/deployment.yaml", values)["spec"]!["template"]!["spec"]!["volumes"]!.AsArray(),
            volume => volume!["secret"] is not null));
    }

    /// <summary>Helm asks the cluster, for which a small server stands in: it knows secrets and nothing else.</summary>
    [Fact]
    public async Task An_upgrade_leaves_a_certificate_as_it_is()
    {
        JsonObject there = new() { ["tls.crt"] = "QQ==", ["tls.key"] = "Qg==", ["ca.crt"] = "Qw==" };
        using HttpListener cluster = new();
        var address = $"http://127.0.0.1:{AppProcesses.NextPort().ToString(CultureInfo.InvariantCulture)}";
        cluster.Prefixes.Add($"{address}/");
        cluster.Start();
        var serving = ServeAsync();
        var folder = Publication.NewFolder();
        Directory.CreateDirectory(Path.Combine(folder, "templates"));
        foreach (var file in (string[])["Chart.yaml", "values.yaml", .. _servers.Select(server => $"templates/{server}/tls.yaml")])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, file))!);
            File.Copy(Path.Combine(Chart.Deployed.Folder, file), Path.Combine(folder, file));
        }

        var (exitCode, output, error) = await DeploymentTools.HelmAsync(
            [
                "template", "ticketapp", folder, "--namespace", "ticketapp",
                "--dry-run=server", "--disable-openapi-validation", "--kube-apiserver", address,
            ]);
        cluster.Stop();
        await serving;

        Assert.True(exitCode == 0, error);
        var secrets = output.Split("---\n", StringSplitOptions.RemoveEmptyEntries).Select(Yaml.Parse)
            .ToDictionary(secret => (string)secret["metadata"]!["name"]!, secret => secret["data"]!);
        Assert.True(JsonNode.DeepEquals(there, secrets["postgres-tls"]), output);
        // The other one is not there yet.
        Assert.All(there, entry => Assert.True(((string)secrets["rabbitmq-tls"][entry.Key]!).Length > 100));

        async Task ServeAsync()
        {
            Dictionary<string, string> answers = new()
            {
                ["/version"] = """{"major":"1","minor":"35","gitVersion":"v1.35.0"}""",
                ["/api"] = """{"kind":"APIVersions","versions":["v1"]}""",
                ["/apis"] = """{"kind":"APIGroupList","apiVersion":"v1","groups":[]}""",
                ["/api/v1"] = """
                    {"kind":"APIResourceList","groupVersion":"v1",
                     "resources":[{"name":"secrets","namespaced":true,"kind":"Secret","verbs":["get","list"]}]}
                    """,
                ["/api/v1/namespaces/ticketapp/secrets/postgres-tls"] = $$"""
                    {"apiVersion":"v1","kind":"Secret","data":{{there.ToJsonString()}},
                     "metadata":{"name":"postgres-tls","namespace":"ticketapp","labels":{"app.kubernetes.io/managed-by":"Helm"},
                       "annotations":{"meta.helm.sh/release-name":"ticketapp","meta.helm.sh/release-namespace":"ticketapp"} } }
                    """,
            };
            try
            {
                while (true)
                {
                    var context = await cluster.GetContextAsync();
                    var isKnown = answers.TryGetValue(context.Request.Url!.AbsolutePath, out var answer);
                    context.Response.StatusCode = isKnown ? 200 : 404;
                    context.Response.ContentType = "application/json";
                    answer ??= """{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}""";
                    await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(answer), Cancel);
                    context.Response.Close();
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // Stopped.
            }
        }
    }

    /// <summary>What Compose runs first, by the same shell and OpenSSL as any.</summary>
    [Fact]
    public async Task Compose_makes_the_servers_certificates_once_and_each_server_alone_reads_its_key()
    {
        var services = Yaml.Parse(await Publication.ReadAsync("compose", "docker-compose.yaml"))["services"]!;
        var certificates = services["certificates"]!;
        Assert.Equal((string?)services["postgres"]!["image"], (string?)certificates["image"]);
        Assert.Equal(["/certificates/postgres", "/certificates/rabbitmq", "/certificates/authorities"], Targets("certificates").Values);
        // Each by its volume: what the first one writes, the second one reads.
        foreach (var server in _servers)
        {
            var volume = Targets("certificates").Single(mount => mount.Value == $"/certificates/{server}").Key;
            Assert.Equal($"/run/secrets/{server}", Targets(server)[volume]);
            Assert.All(["api", "worker"], service => Assert.DoesNotContain(volume, Targets(service).Keys));
            Assert.Equal("service_completed_successfully", (string?)services[server]!["depends_on"]!["certificates"]!["condition"]);
        }

        var authorities = Targets("certificates").Single(mount => mount.Value == "/certificates/authorities").Key;
        Assert.All(["api", "worker"], service => Assert.Equal([(authorities, "/run/secrets")], Targets(service)
            .Select(mount => (mount.Key, mount.Value))));

        var folder = Publication.NewFolder();
        foreach (var name in (string[])[.. _servers, "authorities", "tmp"])
        {
            Directory.CreateDirectory(Path.Combine(folder, name));
        }

        var script = ((string)certificates["command"]![2]!).Replace("$$", "$", StringComparison.Ordinal)
            .Replace("/certificates", folder, StringComparison.Ordinal).Replace("cd /tmp", $"cd {folder}/tmp", StringComparison.Ordinal);
        var owner = $"chown {ServerTls.ServerUser}:{ServerTls.ServerUser} $folder/tls.key; ";
        Assert.Contains(owner, script, StringComparison.Ordinal);
        // Root of a container has the capabilities that the file gives it and no others.
        var capabilities = string.Join(
            ',', certificates["cap_add"]!.AsArray().Select(capability => $"+{((string)capability!).ToLowerInvariant()}").Prepend("-all"));
        string[] rights = ["--bounding-set", capabilities, "--inh-caps", "-all", "--ambient-caps", "-all", "--no-new-privs"];
        string[] command = Environment.IsPrivilegedProcess
            ? ["setpriv", .. rights, "sh", "-c", script]
            : ["sh", "-c", script.Replace(owner, "", StringComparison.Ordinal)];
        List<string> made = [];
        for (var run = 0; run < 2; run++)
        {
            var (exitCode, output, error) = await Publication.RunAsync("env", command);
            Assert.True(exitCode == 0, output + error);
            made.Add(string.Concat(_servers.Select(server => File.ReadAllText(Path.Combine(folder, server, "tls.crt")))));
        }

        Assert.Equal(made[0], made[1]);
        Assert.False(File.Exists(Path.Combine(folder, "tmp", "ca.key")));
        foreach (var server in _servers)
        {
            var key = Path.Combine(folder, server, "tls.key");
            Assert.Equal(UnixFileMode.UserRead, File.GetUnixFileMode(key));
            using var authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(folder, "authorities", server, "ca.pem"));
            using var certificate = X509Certificate2.CreateFromPemFile(Path.Combine(folder, server, "tls.crt"), key);
            AssertNames(certificate, authority, server, "localhost");
        }

        Dictionary<string, string> Targets(string service) => services[service]!["volumes"]!.AsArray()
            .Where(volume => !((string)volume!["source"]!).EndsWith("-data", StringComparison.Ordinal))
            .ToDictionary(volume => (string)volume!["source"]!, volume => (string)volume!["target"]!);
    }

    private static void AssertNames(X509Certificate2 certificate, X509Certificate2 authority, params string[] names)
    {
        Assert.True(certificate.HasPrivateKey);
        Assert.All(names, name => Assert.True(certificate.MatchesHostname(name), name));
        Assert.False(certificate.MatchesHostname("127.0.0.1"));
        Assert.True(certificate.NotAfter.ToUniversalTime() > DateTime.UtcNow.AddYears(9));
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        Assert.True(chain.Build(certificate));
    }
}

using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>Reads the manifests of a target, as the platform that they are for.</summary>
internal abstract partial class Workloads
{
    /// <summary>The checked-in manifests of Azure.</summary>
    public static Workloads OnAzure { get; } = new Azure();

    public static Workloads InCluster(Chart chart) => new Kubernetes(chart);

    /// <param name="folder">Where the file of Compose is.</param>
    public static Workloads OnOneHost(string folder) => new Compose(Path.Combine(folder, "docker-compose.yaml"));

    /// <summary>A workload by its name in the app model.</summary>
    /// <param name="name">Such as <c>api</c>.</param>
    /// <param name="parameters">Values by name, such as <c>admin_key</c>.</param>
    public abstract Workload Read(string name, IReadOnlyDictionary<string, string> parameters);

    /// <summary>The same on this machine: its servers are at other addresses, and here they speak no TLS.</summary>
    public static Workload OnThisMachine(Workload workload, string database, Uri broker)
    {
        NpgsqlConnectionStringBuilder server = new(database);
        Dictionary<string, string> variables = new(workload.Variables);
        foreach (var name in (string[])["ConnectionStrings__tickets", "ConnectionStrings__migrations"])
        {
            if (variables.TryGetValue(name, out var text))
            {
                NpgsqlConnectionStringBuilder here = new(text) { Host = server.Host, Port = server.Port };
                here.Remove("SSL Mode");
                here.Remove("Root Certificate");
                variables[name] = here.ConnectionString;
            }
        }

        if (variables.TryGetValue("ConnectionStrings__rabbitmq", out var uri))
        {
            variables["ConnectionStrings__rabbitmq"] =
                new UriBuilder(uri) { Scheme = broker.Scheme, Host = broker.Host, Port = broker.Port, Query = "" }.Uri.ToString();
        }

        return workload with { Variables = variables };
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static TimeSpan Seconds(JsonNode? number) => TimeSpan.FromSeconds((long?)number ?? 0);

    /// <summary>Such as 500m.</summary>
    private static double Cores(string text) => text.EndsWith('m') ? Number(text[..^1]) / 1000 : Number(text);

    /// <summary>Such as 512Mi, or 512m as Compose writes it.</summary>
    private static long Bytes(string text) => (long)Number(text.TrimEnd('K', 'M', 'G', 'i', 'k', 'm', 'g')) << (
        char.ToUpperInvariant(text.TrimEnd('i')[^1]) switch { 'K' => 10, 'M' => 20, 'G' => 30, _ => 0 });

    private sealed class Kubernetes(Chart chart) : Workloads
    {
        public override Workload Read(string name, IReadOnlyDictionary<string, string> parameters)
        {
            var values = chart.ValuesWithSecrets(secret => parameters.GetValueOrDefault(secret, "OfNoServerHere"));
            var pod = chart.Parse($"{name}/deployment.yaml", values)["spec"]!["template"]!["spec"]!;
            var container = Assert.Single(pod["containers"]!.AsArray())!;
            var rights = container["securityContext"]!;
            var scratch = pod["volumes"]!.AsArray()
                .Where(volume => volume!["emptyDir"] is not null).Select(volume => (string)volume!["name"]!).ToHashSet();
            return new()
            {
                Variables = chart.Variables(name, values),
                User = (long)pod["securityContext"]!["runAsUser"]!,
                Group = (long)pod["securityContext"]!["runAsGroup"]!,
                HasReadOnlyRoot = (bool)rights["readOnlyRootFilesystem"]!,
                Scratch = [.. container["volumeMounts"]!.AsArray()
                    .Where(mount => scratch.Contains((string)mount!["name"]!)).Select(mount => (string)mount!["mountPath"]!)],
                MayGainPrivileges = (bool)rights["allowPrivilegeEscalation"]!,
                HasCapabilities = !DropsAll(rights["capabilities"]!["drop"]!),
                Memory = Bytes((string)container["resources"]!["limits"]!["memory"]!),
                Cpus = Cores((string)container["resources"]!["limits"]!["cpu"]!),
                Pause = Seconds(container["lifecycle"]?["preStop"]?["sleep"]?["seconds"]),
                Grace = Seconds(pod["terminationGracePeriodSeconds"]),
            };
        }
    }

    private sealed partial class Compose(string file) : Workloads
    {
        public override Workload Read(string name, IReadOnlyDictionary<string, string> parameters)
        {
            var service = Yaml.Parse(File.ReadAllText(file))["services"]![name]!;
            var limits = service["deploy"]!["resources"]!["limits"]!;
            return new()
            {
                Variables = service["environment"]!.AsObject()
                    .ToDictionary(entry => entry.Key, entry => Complete((string)entry.Value!, parameters)),
                HasReadOnlyRoot = (bool?)service["read_only"] ?? false,
                Scratch = [.. service["tmpfs"]!.AsArray().Select(folder => (string)folder!)],
                MayGainPrivileges = !service["security_opt"]!.AsArray().Any(option => (string?)option == "no-new-privileges:true"),
                HasCapabilities = !DropsAll(service["cap_drop"]!),
                Memory = Bytes((string)limits["memory"]!),
                Cpus = Number((string)limits["cpus"]!),
                Grace = TimeSpan.FromSeconds(Number(((string)service["stop_grace_period"]!).TrimEnd('s'))),
            };
        }

        /// <summary>As Compose completes a text with the variables of a site.</summary>
        private static string Complete(string text, IReadOnlyDictionary<string, string> parameters) =>
            Variable().Replace(text, match => match.Groups["otherwise"] is { Success: true } otherwise
                ? parameters.GetValueOrDefault(Key(match), otherwise.Value)
                : parameters[Key(match)]).Replace("$$", "$", StringComparison.Ordinal);

        private static string Key(Match match) => match.Groups["name"].Value.ToLowerInvariant();

        [GeneratedRegex(@"(?<!\$)\$\{(?<name>\w+)(?::-(?<otherwise>[^}]*)|:\?[^}]*)?\}")]
        private static partial Regex Variable();
    }

    /// <summary>A module a workload. What its image and the platform decide is not in it: user, root file system, capabilities.</summary>
    private sealed partial class Azure : Workloads
    {
        /// <summary>What azd or an operator gives the modules beside the secrets.</summary>
        private static readonly Dictionary<string, string> _parameters = new()
        {
            ["rabbitmq_username"] = "ticketapp",
            ["postgres_username"] = "ticketapp_admin",
            ["worker_slots"] = "100",
            ["otlp_endpoint"] = "",
            ["api_containerport"] = "8080",
            ["worker_containerport"] = "8080",
            ["postgres_outputs_hostname"] = "postgres.example.com",
            ["postgres.properties.fullyQualifiedDomainName"] = "postgres.example.com",
            ["api_identity_outputs_clientid"] = "identity",
        };

        public override Workload Read(string name, IReadOnlyDictionary<string, string> parameters)
        {
            var bicep = Module(name);
            return new()
            {
                Variables = Variable().Matches(bicep).ToDictionary(
                    variable => variable.Groups["name"].Value,
                    variable => variable.Groups["kind"].Value == "secretRef"
                        ? Secret(bicep, variable.Groups["value"].Value.Trim('\''), parameters)
                        : Value(variable.Groups["value"].Value, parameters)),
                Command = [.. Arguments().Match(bicep).Groups["argument"].Captures.Select(argument => Value(argument.Value, parameters))],
                Memory = Memory().Match(bicep) is { Success: true } memory ? Bytes(memory.Groups[1].Value) : null,
                Cpus = Cpu().Match(bicep) is { Success: true } cpu ? Number(cpu.Groups[1].Value) : null,
                Grace = Grace().Match(bicep) is { Success: true } grace ? TimeSpan.FromSeconds(Number(grace.Groups[1].Value)) : default,
            };
        }

        private static string Module(string name) =>
            File.ReadAllText(Path.Combine(Repository.Root, "deploy", "azure", name, $"{name}.bicep"));

        private static string Secret(string bicep, string name, IReadOnlyDictionary<string, string> parameters)
        {
            var secret = Regex.Match(bicep, $@"name: '{Regex.Escape(name)}'\n\s+(?:value: (?<value>.*)|identity: .*\n\s+keyVaultUrl: .*)");
            Assert.True(secret.Success, $"There is no secret {name}.");
            // What is in the vault is written there by the module of the server.
            return Value(
                secret.Groups["value"] is { Success: true } value ? value.Value : Regex.Match(
                    Module("postgres"), $@"name: '{Regex.Escape(name)}'\n\s+properties: {{\n\s+value: (.*)").Groups[1].Value,
                parameters);
        }

        /// <summary>A text in quotes, in which there are names, or a name.</summary>
        private static string Value(string expression, IReadOnlyDictionary<string, string> parameters)
        {
            return expression.StartsWith('\'')
                ? Interpolation().Replace(expression[1..^1], match => Of(match.Groups["name"].Value) is var value
                    && match.Groups["function"].Success ? Uri.EscapeDataString(value) : value).Replace("\\'", "'", StringComparison.Ordinal)
                : Of(expression);

            string Of(string name)
            {
                var key = name.EndsWith("_value", StringComparison.Ordinal) ? name[..^"_value".Length] : name;
                return parameters.TryGetValue(key, out var value) ? value : _parameters[key];
            }
        }

        [GeneratedRegex(@"name: '(?<name>[^']+)'\n {14}(?<kind>value|secretRef): (?<value>.*)")]
        private static partial Regex Variable();

        [GeneratedRegex(@"args: \[\n(?:\s+(?<argument>'.*')\n)+")]
        private static partial Regex Arguments();

        [GeneratedRegex(@"(?<!\\)\$\{(?:(?<function>uriComponent)\()?(?<name>[\w.]+)\)?\}")]
        private static partial Regex Interpolation();

        [GeneratedRegex(@"memory: '(.+)'")]
        private static partial Regex Memory();

        [GeneratedRegex(@"cpu: (?:json\(')?([\d.]+)")]
        private static partial Regex Cpu();

        [GeneratedRegex(@"terminationGracePeriodSeconds: (\d+)")]
        private static partial Regex Grace();
    }

    private static bool DropsAll(JsonNode capabilities) => capabilities.AsArray().Any(capability => (string?)capability == "ALL");
}

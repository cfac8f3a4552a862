using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>A published Helm chart.</summary>
internal sealed class Chart(string folder)
{
    private const string Password = "Letters0and9digits";
    private const string Source = "# Source: ticketapp/templates/";

    private readonly ConcurrentDictionary<string, Dictionary<string, string>> _rendered = [];

    /// <summary>The one that is checked in.</summary>
    public static Chart Deployed { get; } = new(Path.Combine(Repository.Root, "deploy", "kubernetes"));

    public string Folder { get; } = folder;

    public JsonObject Values { get; } = Yaml.Parse(File.ReadAllText(Path.Combine(folder, "values.yaml")));

    /// <summary>The templates by path, relative to their folder.</summary>
    public IEnumerable<string> Files => Directory.EnumerateFiles(Path.Combine(Folder, "templates"), "*.yaml", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(Path.Combine(Folder, "templates"), file).Replace('\\', '/')).Order(StringComparer.Ordinal);

    /// <inheritdoc cref="ValuesWithSecrets(Func{string, string})"/>
    public JsonObject ValuesWithSecrets() => ValuesWithSecrets(_ => Password);

    /// <summary>The values with a text for each secret, images that a site has pushed, and the addresses of its own servers.</summary>
    public JsonObject ValuesWithSecrets(Func<string, string> secret)
    {
        var values = (JsonObject)Values.DeepClone();
        foreach (var (service, parameters) in (JsonObject)values["parameters"]!)
        {
            parameters![$"{service}_image"] = $"registry.example.com:5000/{service}:1.0.0";
            foreach (var server in ((JsonObject)values["config"]![service]!).Select(entry => entry.Key).ToArray())
            {
                if (server is "postgres_cidr" or "rabbitmq_cidr")
                {
                    values["config"]![service]![server] = "10.9.0.0/24";
                }
            }
        }

        foreach (var consumer in ((JsonObject)values["secrets"]!).Select(entry => (JsonObject)entry.Value!))
        {
            foreach (var name in consumer.Select(entry => entry.Key).ToArray())
            {
                consumer[name] = secret(name);
            }
        }

        return values;
    }

    /// <summary>One of <see cref="Files"/> as Helm renders it.</summary>
    /// <exception cref="InvalidDataException">Helm refuses the values.</exception>
    public string Render(string file, JsonNode values) => RenderAll(values)[file];

    /// <summary>All of <see cref="Files"/> that become an object, as Helm renders them.</summary>
    /// <exception cref="InvalidDataException">Helm refuses the values.</exception>
    public IReadOnlyDictionary<string, string> RenderAll(JsonNode values) => _rendered.GetOrAdd(values.ToJsonString(), json =>
    {
        // Not on the thread of the test, which may wait for itself.
        var (exitCode, output, error) = Task.Run(() => DeploymentTools.HelmAsync(
            ["template", "ticketapp", Folder, "--namespace", "ticketapp", "--values", "-"], json)).GetAwaiter().GetResult();
        return exitCode != 0 ? throw new InvalidDataException(error) : output.Split("---\n" + Source)[1..].ToDictionary(
            text => text[..text.IndexOf('\n', StringComparison.Ordinal)],
            text => text[(text.IndexOf('\n', StringComparison.Ordinal) + 1)..]);
    });

    public JsonObject Parse(string file, JsonNode values) => Yaml.Parse(Render(file, values));

    /// <summary>The variables that a workload gets from its ConfigMap and its Secret.</summary>
    public Dictionary<string, string> Variables(string workload, JsonNode values) =>
        ((JsonObject)Parse($"{workload}/config.yaml", values)["data"]!)
            .Concat((JsonObject)Parse($"{workload}/secrets.yaml", values)["stringData"]!)
            .ToDictionary(entry => entry.Key, entry => entry.Value!.GetValue<string>());

    /// <summary>The image of a workload's first container.</summary>
    public static string? ImageOf(JsonNode workload) => (string?)workload["spec"]!["template"]!["spec"]!["containers"]![0]!["image"];
}

using System.Text.Json.Nodes;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>A published Helm chart.</summary>
internal sealed class Chart(string folder)
{
    public string Folder { get; } = folder;

    public JsonObject Values { get; } = Yaml.Parse(File.ReadAllText(Path.Combine(folder, "values.yaml")));

    /// <summary>The templates by path, relative to their folder.</summary>
    public IEnumerable<string> Files => Directory.EnumerateFiles(Path.Combine(Folder, "templates"), "*.yaml", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(Path.Combine(Folder, "templates"), file).Replace('\\', '/')).Order(StringComparer.Ordinal);

    /// <summary>The values with a text for each secret.</summary>
    public JsonObject ValuesWithSecrets(Func<string, string> secret)
    {
        var values = (JsonObject)Values.DeepClone();
        foreach (var consumer in ((JsonObject)values["secrets"]!).Select(entry => (JsonObject)entry.Value!))
        {
            foreach (var name in consumer.Select(entry => entry.Key).ToArray())
            {
                consumer[name] = secret(name);
            }
        }

        return values;
    }

    public string Render(string file, JsonNode values) =>
        new HelmTemplate(values, path => File.ReadAllText(Path.Combine(Folder, path)))
            .Render(File.ReadAllText(Path.Combine(Folder, "templates", file)));

    public JsonObject Parse(string file, JsonNode values) => Yaml.Parse(Render(file, values));

    /// <summary>The variables that a workload gets from its ConfigMap and its Secret.</summary>
    public Dictionary<string, string> Variables(string workload, JsonNode values) =>
        ((JsonObject)Parse($"{workload}/config.yaml", values)["data"]!)
            .Concat((JsonObject)Parse($"{workload}/secrets.yaml", values)["stringData"]!)
            .ToDictionary(entry => entry.Key, entry => entry.Value!.GetValue<string>());
}

using System.Collections;
using System.Globalization;
using System.Text.Json;
using Aspire.Hosting.Kubernetes.Resources;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>
/// Objects as YAML in the package's form: camel case, text in double quotes, nulls and empty collections left out.
/// </summary>
internal static class YamlWriter
{
    public static string Write(object value)
    {
        using var writer = new StringWriter { NewLine = "\n" };
        var stream = new YamlStream(new YamlDocument(Node(value)!));
        stream.Save(new Emitter(writer, EmitterSettings.Default.WithIndentedSequences().WithBestWidth(int.MaxValue)), assignAnchors: false);

        // The stream ends its document, which is the only one of the file.
        return writer.ToString().Replace("...\n", "", StringComparison.Ordinal);
    }

    private static YamlNode? Node(object? value) => value switch
    {
        null => null,
        string text => new YamlScalarNode(text) { Style = HelmText.IsNumber(text) ? ScalarStyle.ForcePlain : ScalarStyle.DoubleQuoted },
        bool truth => Plain(truth ? "true" : "false"),
        Int32OrStringV1 { Number: { } number } => Node(number),
        Int32OrStringV1 port => Node(port.Text),
        IDictionary dictionary => Mapping(dictionary.Keys.Cast<string>().Select(key => (key, dictionary[key]))),
        IEnumerable items => Sequence(items.Cast<object?>()),
        IFormattable number => Plain(number.ToString(null, CultureInfo.InvariantCulture)),
        _ => Mapping(Properties(value)),
    };

    private static YamlScalarNode Plain(string text) => new(text) { Style = ScalarStyle.Plain };

    private static YamlMappingNode? Mapping(IEnumerable<(string Key, object? Value)> entries)
    {
        var isEmpty = true;
        var mapping = new YamlMappingNode();
        foreach (var (key, value) in entries)
        {
            isEmpty = false;
            if (Node(value) is { } node)
            {
                mapping.Add(key, node);
            }
        }

        return isEmpty ? null : mapping;
    }

    private static YamlSequenceNode? Sequence(IEnumerable<object?> items)
    {
        var nodes = items.Select(Node).OfType<YamlNode>().ToArray();
        return nodes.Length == 0 ? null : new YamlSequenceNode(nodes);
    }

    private static IEnumerable<(string Key, object? Value)> Properties(object value) => value.GetType().GetProperties()
        .Where(property => property.Name != nameof(Workload.PodTemplate) && property.GetIndexParameters().Length == 0)
        .OrderBy(property => Rank(property.Name))
        .Select(property => (JsonNamingPolicy.CamelCase.ConvertName(property.Name), property.GetValue(value)));

    private static int Rank(string name) => Array.IndexOf(["ApiVersion", "Kind", "Metadata", "Name"], name) switch
    {
        -1 => int.MaxValue,
        var rank => rank,
    };
}

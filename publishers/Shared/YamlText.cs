using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;
using YamlDotNet.Serialization;

namespace Aspire.Hosting.Publishers;

/// <summary>A value that is written as another one.</summary>
internal interface IYamlValue
{
    object? Value { get; }
}

/// <summary>
/// Objects as YAML in the packages' form: text in double quotes, nulls and empty collections left out, members in the order in which
/// classes declare them, base classes first.
/// </summary>
/// <param name="naming">How the name of a property becomes a key.</param>
/// <param name="isPlain">Which texts are not quoted.</param>
internal sealed class YamlText(JsonNamingPolicy naming, Func<string, bool> isPlain)
{
    public string Of(object value)
    {
        using var writer = new StringWriter { NewLine = "\n" };
        var stream = new YamlStream(new YamlDocument(Node(value)!));
        stream.Save(new Emitter(writer, EmitterSettings.Default.WithIndentedSequences().WithBestWidth(int.MaxValue)), assignAnchors: false);

        // The stream ends its document, which is the only one of the file.
        return writer.ToString().Replace("...\n", "", StringComparison.Ordinal);
    }

    private YamlNode? Node(object? value) => value switch
    {
        null => null,
        string text => new YamlScalarNode(text) { Style = isPlain(text) ? ScalarStyle.ForcePlain : ScalarStyle.DoubleQuoted },
        bool truth => new YamlScalarNode(truth ? "true" : "false"),
        IYamlValue other => Node(other.Value),
        IDictionary { Count: 0 } => null,
        IDictionary dictionary => Mapping(dictionary.Keys.Cast<string>().Select(key => (key, dictionary[key]))),
        IEnumerable items => Sequence([.. items.Cast<object?>().Select(Node).OfType<YamlNode>()]),
        IFormattable number => new YamlScalarNode(number.ToString(null, CultureInfo.InvariantCulture)),
        _ => Mapping(Members(value.GetType()).Select(property => (naming.ConvertName(property.Name), property.GetValue(value)))),
    };

    private YamlMappingNode Mapping(IEnumerable<(string Key, object? Value)> entries)
    {
        var mapping = new YamlMappingNode();
        foreach (var (key, value) in entries)
        {
            if (Node(value) is { } node)
            {
                mapping.Add(key, node);
            }
        }

        return mapping;
    }

    private static YamlSequenceNode? Sequence(YamlNode[] nodes) => nodes.Length == 0 ? null : new YamlSequenceNode(nodes);

    private static IEnumerable<PropertyInfo> Members(Type? type) => type is null ? [] : Members(type.BaseType).Concat(
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(property => property.GetCustomAttribute<YamlIgnoreAttribute>() is null));
}

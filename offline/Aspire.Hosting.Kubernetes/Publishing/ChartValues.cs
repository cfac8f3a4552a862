namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>What values.yaml holds: sections, in them a resource each, in them names and values. Secrets stay empty.</summary>
internal sealed class ChartValues
{
    public SortedDictionary<string, Dictionary<string, Dictionary<string, object>>> Sections { get; } = new(StringComparer.Ordinal)
    {
        ["parameters"] = [],
        ["secrets"] = [],
        ["config"] = [],
    };

    public void Add(string section, string resource, string name, object value)
    {
        var values = Sections[section];
        if (!values.TryGetValue(HelmText.Key(resource), out var ofResource))
        {
            values[HelmText.Key(resource)] = ofResource = [];
        }

        ofResource[HelmText.Key(name)] = value;
    }
}

using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;

namespace Aspire.Hosting;

/// <summary>A generated value that later runs find again, since the server that it was set on keeps it too.</summary>
internal sealed class PersistedParameterDefault(DataDirectories data, string name, ParameterDefault inner) : ParameterDefault
{
    private static readonly Lock _fileLock = new();

    public override string GetDefaultValue()
    {
        if (data.IsEphemeral)
        {
            return inner.GetDefaultValue();
        }

        lock (_fileLock)
        {
            var file = Path.Combine(data.PersistentRoot, "parameters.json");
            var values = File.Exists(file)
                ? JsonSerializer.Deserialize<SortedDictionary<string, string>>(File.ReadAllText(file)) ?? []
                : [];
            if (!values.TryGetValue(name, out var value))
            {
                values[name] = value = inner.GetDefaultValue();
                PrivateFile.Write(file, JsonSerializer.Serialize(values));
            }

            return value;
        }
    }
}

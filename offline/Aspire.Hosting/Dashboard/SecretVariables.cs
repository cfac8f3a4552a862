using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Dashboard;

/// <summary>Which variables hold a secret: a value with a secret parameter's in it, or a name that says so.</summary>
internal sealed class SecretVariables(DistributedApplicationModel model)
{
    private static readonly string[] _names = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "HEADERS"];

    private readonly Lazy<string[]> _values = new(() =>
    [
        .. model.Resources.OfType<ParameterResource>()
            .Where(parameter => parameter.Secret)
            .SelectMany(parameter => (string[])[parameter.ResolvedValue, Uri.EscapeDataString(parameter.ResolvedValue)])
            .Where(value => value.Length > 0)
            .Distinct(),
    ]);

    public bool Include(EnvironmentVariableSnapshot variable) =>
        !string.IsNullOrEmpty(variable.Value)
        && (_names.Any(word => variable.Name.Contains(word, StringComparison.OrdinalIgnoreCase))
            || _values.Value.Any(secret => variable.Value.Contains(secret, StringComparison.Ordinal)));
}

using System.Globalization;
using System.Text.RegularExpressions;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes.Resources;
using Aspire.Hosting.Pipelines;
using Aspire.Hosting.Publishers;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>
/// Turns a resource's variables into templates over chart values: what has a secret in it into its Secret, the rest into its ConfigMap.
/// values.yaml has one entry a variable, as the package writes it: a parameter that stands only within longer texts has none.
/// </summary>
internal sealed class ChartText(KubernetesResource resource, ChartValues values) : ValueText(resource.Target)
{
    private Dictionary<string, string> SecretData => (resource.Secret ??= new() { Metadata = Metadata("secrets") }).StringData;

    private Dictionary<string, string> ConfigData => (resource.ConfigMap ??= new() { Metadata = Metadata("config") }).Data;

    public async Task AddVariablesAsync(PipelineStepContext step)
    {
        foreach (var (name, value) in await VariablesAsync(step))
        {
            var text = Of(value);
            var isSecret = HelmText.HasSecret(text);
            var section = isSecret ? "secrets" : "config";
            if (Unwrap(value) is ParameterResource parameter)
            {
                var isEmpty = isSecret || parameter.Default is null;
                var preset = isEmpty ? "" : await parameter.GetValueAsync(step.CancellationToken) ?? "";
                values.Add(section, resource.Name, parameter.Name, preset);
            }
            else
            {
                values.Add(section, resource.Name, name, HelmText.HasValue(text) ? "" : text);
            }

            var template = HelmText.HasValue(text) ? text : HelmText.Value("config", resource.Name, name);
            (isSecret ? SecretData : ConfigData)[name] = HelmText.AsText(template);
        }
    }

    protected override string Of(ParameterResource parameter) =>
        HelmText.Value(parameter.Secret ? "secrets" : "config", resource.Name, parameter.Name);

    protected override PublishedAddress AddressOf(EndpointReference endpoint)
    {
        var published = ChartEndpoint.Of(endpoint);
        return new(published.Endpoint.UriScheme, published.Host, published.PortText, published.Port);
    }

    private ObjectMetaV1 Metadata(string kind) => new() { Name = $"{resource.Name.ToLowerInvariant()}-{kind}", Labels = resource.Labels };
}

/// <summary>Where a resource is reached in the cluster: its Service, on the port that the container listens on.</summary>
/// <param name="Resource">The resource's name.</param>
/// <param name="Endpoint">The endpoint in the model.</param>
/// <param name="FixedPort">The port, or null for a project's, which is a chart value.</param>
internal sealed record ChartEndpoint(string Resource, EndpointAnnotation Endpoint, int? FixedPort)
{
    private const int ProjectPort = 8080;

    public string Host => $"{Resource.ToLowerInvariant()}-service";

    public string PortName => $"port_{HelmText.Key(Endpoint.Name)}";

    /// <summary>The port as text within text.</summary>
    public string PortText => FixedPort?.ToString(CultureInfo.InvariantCulture) ?? HelmText.Value("parameters", Resource, PortName);

    /// <summary>The port on its own: a number.</summary>
    public string Port =>
        FixedPort?.ToString(CultureInfo.InvariantCulture) ?? PortText.Replace(" }}", " | int }}", StringComparison.Ordinal);

    public static IEnumerable<ChartEndpoint> Of(IResource resource) => resource.ResolveEndpoints()
        // Containers listen without TLS: a project's https endpoint is the ingress's business.
        .Where(resolved => resolved.Endpoint.UriScheme != "https" || resolved.TargetPort.Value is not null)
        .Select(resolved => resolved.TargetPort.IsAllocated || (resolved.TargetPort.Value is { } port && resolved.ExposedPort.Value != port)
            ? throw new NotSupportedException(
                $"The endpoint '{resolved.Endpoint.Name}' of resource '{resource.Name}' has no fixed port, or another one outside, "
                + "which this stand-in does not publish.")
            : new ChartEndpoint(resource.Name, resolved.Endpoint, resolved.TargetPort.Value));

    public static ChartEndpoint Of(EndpointReference reference) =>
        Of(reference.Resource).FirstOrDefault(endpoint => endpoint.Endpoint.Name == reference.EndpointName)
        ?? throw new DistributedApplicationException(
            $"The endpoint '{reference.EndpointName}' of resource '{reference.Resource.Name}' is not published.");

    public void AddValues(ChartValues values)
    {
        if (FixedPort is null)
        {
            values.Add("parameters", Resource, PortName, ProjectPort);
        }
    }
}

/// <summary>References to chart values, as they stand in templates.</summary>
internal static partial class HelmText
{
    public static string Key(string name) => name.Replace('-', '_');

    public static string Value(string section, string resource, string name) => $"{{{{ .Values.{section}.{Key(resource)}.{Key(name)} }}}}";

    public static bool HasSecret(string text) => HasValue(text) && text.Contains(".Values.secrets.", StringComparison.Ordinal);

    public static bool HasValue(string text) =>
        text.Contains("{{", StringComparison.Ordinal) && text.Contains(".Values.", StringComparison.Ordinal);

    /// <summary>A number in a place that takes text only.</summary>
    public static string AsText(string text) => Number().Replace(text, match => match.Value[..^2].TrimEnd() + " | toString }}");

    /// <summary>Whether the template is one number, which must not be quoted.</summary>
    public static bool IsNumber(string text) => Number().Match(text) is { Success: true } match && match.Length == text.Length;

    [GeneratedRegex(@"\{\{[^{}]*\|\s*(int|int64|float64)\s*\}\}")]
    private static partial Regex Number();
}

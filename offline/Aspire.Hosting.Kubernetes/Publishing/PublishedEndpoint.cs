using System.Globalization;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>Where a resource is reached in the cluster: its Service, on the port that the container listens on.</summary>
internal sealed record PublishedEndpoint(string Resource, EndpointAnnotation Endpoint)
{
    private const int ProjectPort = 8080;

    public string Host => $"{Resource.ToLowerInvariant()}-service";

    public string PortName => $"port_{HelmText.Key(Endpoint.Name)}";

    /// <summary>A fixed port, or null for a project's, which is a chart value.</summary>
    public int? FixedPort => Endpoint.TargetPort;

    /// <summary>The port as text within text.</summary>
    public string PortText => FixedPort?.ToString(CultureInfo.InvariantCulture) ?? HelmText.Parameter(Resource, PortName);

    /// <summary>The port on its own: a number.</summary>
    public string Port => FixedPort?.ToString(CultureInfo.InvariantCulture) ?? PortText.Replace(" }}", " | int }}", StringComparison.Ordinal);

    public static IEnumerable<PublishedEndpoint> Of(IResource resource) =>
        resource.Annotations.OfType<EndpointAnnotation>()
            // Containers listen without TLS: a project's https endpoint is the ingress's business.
            .Where(endpoint => endpoint.UriScheme != "https" || endpoint.TargetPort is not null)
            .Select(endpoint => new PublishedEndpoint(resource.Name, endpoint));

    public static PublishedEndpoint Of(EndpointReference reference) =>
        Of(reference.Resource).FirstOrDefault(endpoint => endpoint.Endpoint.Name == reference.EndpointName)
        ?? throw new DistributedApplicationException($"The endpoint '{reference.EndpointName}' of resource '{reference.Resource.Name}' is not published.");

    public void AddValues(ChartValues values)
    {
        if (FixedPort is null)
        {
            values.Add("parameters", Resource, PortName, ProjectPort);
        }
    }
}

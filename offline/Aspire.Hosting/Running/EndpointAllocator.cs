using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Running;

/// <summary>Gives every endpoint its port, once: restarts keep it, so that addresses given out stay right.</summary>
internal sealed class EndpointAllocator(IConfiguration configuration, ResourceLoggerService loggers)
{
    private readonly bool _randomizePorts = configuration.GetValue("DcpPublisher:RandomizePorts", false);

    /// <summary>Stands for the port of one replica in values that all replicas share.</summary>
    public static string PortPlaceholder(string endpointName) => $"{{{{port:{endpointName}}}}}";

    public void Allocate(IResource resource)
    {
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
        {
            if (resource.TryGetLastAnnotation<NativeServerAnnotation>(out _) && endpoint.UriScheme != "tcp")
            {
                endpoint.Refuse($"The endpoint '{endpoint.Name}' of '{resource.Name}' exists only in its container, which does not run in offline mode.");
                continue;
            }

            endpoint.AllocatedEndpoint = new AllocatedEndpoint(endpoint, "localhost", ChoosePort(resource.Name, endpoint.Port), PortPlaceholder(endpoint.Name));
        }
    }

    /// <summary>The ports at which one replica listens, by endpoint: the public one if it is alone, else its own behind the proxy.</summary>
    public static IReadOnlyDictionary<string, int> PortsOfReplica(IResource resource)
    {
        var endpoints = resource.Annotations.OfType<EndpointAnnotation>().Where(endpoint => endpoint.AllocatedEndpoint is not null);
        return endpoints.ToDictionary(
            endpoint => endpoint.Name,
            endpoint => resource.GetReplicaCount() == 1 ? endpoint.AllocatedEndpoint!.Port : LoopbackPort.Reserve());
    }

    /// <summary>The port that is wanted if it is free, else another.</summary>
    public int ChoosePort(string resourceName, int? preferred)
    {
        if (_randomizePorts || preferred is not { } wanted)
        {
            return LoopbackPort.Reserve();
        }

        if (LoopbackPort.TryReserve(wanted))
        {
            return wanted;
        }

        var port = LoopbackPort.Reserve();
        loggers.Append(
            resourceName,
            string.Create(CultureInfo.InvariantCulture, $"Port {wanted} is taken by another program: using {port} in its place."),
            isError: true);
        return port;
    }
}

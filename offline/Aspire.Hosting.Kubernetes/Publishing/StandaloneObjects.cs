using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes.Resources;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>Objects that are resources of their own: ingresses and claims. As in the package they carry no labels.</summary>
internal static class StandaloneObjects
{
    public static Ingress Of(KubernetesIngressResource resource)
    {
        var ingress = new Ingress { Metadata = { Name = resource.Name.ToLowerInvariant() }, Spec = { IngressClassName = resource.ClassName! } };
        foreach (var (key, value) in resource.IngressAnnotations)
        {
            ingress.Metadata.Annotations[key] = value;
        }

        foreach (var host in resource.Paths.GroupBy(path => path.Host))
        {
            var rule = new IngressRuleV1 { Host = host.Key! };
            rule.Http.Paths.AddRange(host.Select(path => new HttpIngressPathV1
            {
                Path = path.Path,
                PathType = path.PathType.ToString(),
                Backend = new() { Service = Backend(resource, path.Endpoint) },
            }));
            ingress.Spec.Rules.Add(rule);
        }

        foreach (var secret in resource.TlsSecrets)
        {
            var tls = new IngressTLSV1 { SecretName = secret };
            tls.Hosts.AddRange(resource.Hostnames);
            ingress.Spec.Tls.Add(tls);
        }

        return ingress;
    }

    public static PersistentVolumeClaim Of(KubernetesPersistentVolumeResource volume)
    {
        var claim = new PersistentVolumeClaim { Metadata = { Name = volume.Name.ToLowerInvariant() } };
        foreach (var (key, value) in volume.VolumeAnnotations)
        {
            claim.Metadata.Annotations[key] = value;
        }

        claim.Spec.AccessModes.AddRange(volume.AccessModes.Select(mode => mode.ToString()).DefaultIfEmpty(volume.Parent.DefaultStorageReadWritePolicy));
        claim.Spec.Resources.Requests["storage"] = volume.Capacity ?? volume.Parent.DefaultStorageSize;
        claim.Spec.StorageClassName = volume.StorageClass ?? volume.Parent.DefaultStorageClassName;
        return claim;
    }

    private static IngressServiceBackendV1 Backend(KubernetesIngressResource ingress, EndpointReference endpoint) => endpoint.EndpointAnnotation.IsExternal
        ? new() { Name = PublishedEndpoint.Of(endpoint).Host, Port = { Name = endpoint.EndpointName } }
        : throw new DistributedApplicationException(
            $"Resource '{endpoint.Resource.Name}' endpoint '{endpoint.EndpointName}' is not marked as external but is being routed by Ingress '{ingress.Name}'.");
}

using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes;

namespace Aspire.Hosting;

public static class KubernetesIngressExtensions
{
    public static IResourceBuilder<KubernetesIngressResource> AddIngress(this IResourceBuilder<KubernetesEnvironmentResource> builder, string name)
    {
        var ingress = new KubernetesIngressResource(name, builder.Resource);
        return builder.ApplicationBuilder.ExecutionContext.IsRunMode
            ? builder.ApplicationBuilder.CreateResourceBuilder(ingress)
            : builder.ApplicationBuilder.AddResource(ingress);
    }

    public static IResourceBuilder<KubernetesIngressResource> WithIngressClass(this IResourceBuilder<KubernetesIngressResource> builder, string className)
    {
        builder.Resource.ClassName = className;
        return builder;
    }

    /// <summary>A host of the TLS entries. The host of a rule is the one that its path names.</summary>
    public static IResourceBuilder<KubernetesIngressResource> WithHostname(this IResourceBuilder<KubernetesIngressResource> builder, string hostname)
    {
        builder.Resource.Hostnames.Add(hostname);
        return builder;
    }

    public static IResourceBuilder<KubernetesIngressResource> WithTls(this IResourceBuilder<KubernetesIngressResource> builder, string secretName)
    {
        builder.Resource.TlsSecrets.Add(secretName);
        return builder;
    }

    public static IResourceBuilder<KubernetesIngressResource> WithIngressAnnotation(
        this IResourceBuilder<KubernetesIngressResource> builder,
        string key,
        string value)
    {
        builder.Resource.IngressAnnotations[key] = value;
        return builder;
    }

    public static IResourceBuilder<KubernetesIngressResource> WithPath(
        this IResourceBuilder<KubernetesIngressResource> builder,
        string path,
        EndpointReference endpoint,
        IngressPathType pathType = IngressPathType.Prefix) => Add(builder, host: null, path, endpoint, pathType);

    public static IResourceBuilder<KubernetesIngressResource> WithPath(
        this IResourceBuilder<KubernetesIngressResource> builder,
        string host,
        string path,
        EndpointReference endpoint,
        IngressPathType pathType = IngressPathType.Prefix) => Add(builder, host, path, endpoint, pathType);

    private static IResourceBuilder<KubernetesIngressResource> Add(
        IResourceBuilder<KubernetesIngressResource> builder,
        string? host,
        string path,
        EndpointReference endpoint,
        IngressPathType pathType)
    {
        if (!path.StartsWith('/'))
        {
            throw new ArgumentException("Path must start with '/'.", nameof(path));
        }

        builder.Resource.Paths.Add(new IngressPath(host, path, pathType, endpoint));
        return builder;
    }
}

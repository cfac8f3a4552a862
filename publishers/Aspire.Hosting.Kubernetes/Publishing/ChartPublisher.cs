using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes.Resources;
using Aspire.Hosting.Pipelines;
using Aspire.Hosting.Publishers;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>Writes the model as a Helm chart: a folder of templates for each resource, Chart.yaml and values.yaml.</summary>
internal sealed class ChartPublisher(KubernetesEnvironmentResource environment)
{
    private static readonly YamlText _yaml = new(JsonNamingPolicy.CamelCase, HelmText.IsNumber);

    public async Task<Dictionary<string, string>> PublishAsync(PipelineStepContext context, string directory)
    {
        var files = new Dictionary<string, string>();
        var values = new ChartValues();
        foreach (var target in context.Model.PublishedTo(environment))
        {
            var resource = new KubernetesResource(target, environment);
            var text = new ChartText(resource, values);
            await text.AddVariablesAsync(context);
            new WorkloadBuilder(resource, await text.ArgumentsAsync(context), values).Build();
            foreach (var customization in target.Annotations.OfType<KubernetesServiceCustomizationAnnotation>())
            {
                customization.Configure(resource);
            }

            AddTemplates(files, target, resource.Objects());
        }

        foreach (var ingress in context.Model.Resources.OfType<KubernetesIngressResource>().Where(ingress => ingress.Parent == environment))
        {
            AddTemplates(files, ingress, [StandaloneObjects.Of(ingress)]);
        }

        var volumes = context.Model.Resources.OfType<KubernetesPersistentVolumeResource>();
        foreach (var volume in volumes.Where(volume => volume.Parent == environment))
        {
            AddTemplates(files, volume, [StandaloneObjects.Of(volume)]);
        }

        files["Chart.yaml"] = _yaml.Of(Chart());
        files["values.yaml"] = _yaml.Of(values.Sections);
        return files;
    }

    private static void AddTemplates(Dictionary<string, string> files, IResource resource, IEnumerable<BaseKubernetesResource> objects)
    {
        var prefix = $"{resource.Name.ToLowerInvariant()}-";
        foreach (var item in objects)
        {
            var name = item.Metadata.Name;
            name = name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;
            if (!files.TryAdd(Path.Combine("templates", resource.Name, $"{name}.yaml"), $"---\n{_yaml.Of(item)}"))
            {
                throw new DistributedApplicationException(
                    $"Two objects of resource '{resource.Name}' are named '{item.Metadata.Name}': the second would overwrite the first.");
            }
        }
    }

    private Dictionary<string, object> Chart() => new()
    {
        ["apiVersion"] = "v2",
        ["name"] = environment.Chart.Name,
        ["version"] = environment.Chart.Version,
        ["kubeVersion"] = ">= 1.18.0-0",
        ["description"] = environment.Chart.Description,
        ["type"] = "application",
        ["keywords"] = (string[])["aspire", "kubernetes"],
        ["appVersion"] = environment.Chart.Version,
        ["deprecated"] = false,
    };
}

/// <summary>What values.yaml holds: sections, in them a resource each, in them names and values. Secrets stay empty.</summary>
internal sealed class ChartValues
{
    public Dictionary<string, Dictionary<string, Dictionary<string, object>>> Sections { get; } = new()
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

/// <summary>Objects that are resources of their own: ingresses and claims. As in the package they carry no labels.</summary>
internal static class StandaloneObjects
{
    public static Ingress Of(KubernetesIngressResource resource)
    {
        var ingress = new Ingress
        {
            Metadata = { Name = resource.Name.ToLowerInvariant() },
            Spec = { IngressClassName = resource.ClassName! },
        };
        foreach (var host in resource.Paths.GroupBy(path => path.Host))
        {
            var rule = new IngressRuleV1 { Host = host.Key };
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

        claim.Spec.AccessModes.AddRange(volume.AccessModes.Select(mode => mode.ToString()).DefaultIfEmpty("ReadWriteOnce"));
        claim.Spec.Resources.Requests["storage"] = volume.Capacity;
        return claim;
    }

    private static IngressServiceBackendV1 Backend(KubernetesIngressResource ingress, EndpointReference endpoint) =>
        endpoint.EndpointAnnotation.IsExternal ? new() { Name = ChartEndpoint.Of(endpoint).Host, Port = { Name = endpoint.EndpointName } }
        : throw new DistributedApplicationException(
            $"Resource '{endpoint.Resource.Name}' endpoint '{endpoint.EndpointName}' "
            + $"is not marked as external but is being routed by Ingress '{ingress.Name}'.");
}

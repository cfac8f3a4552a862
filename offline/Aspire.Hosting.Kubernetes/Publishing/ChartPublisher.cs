using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes.Resources;
using Aspire.Hosting.Publishing;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>Writes the model as a Helm chart: a folder of templates for each resource, Chart.yaml and values.yaml.</summary>
internal sealed class ChartPublisher(KubernetesEnvironmentResource environment) : IModelPublisher
{
    public async Task PublishAsync(
        DistributedApplicationModel model,
        DistributedApplicationExecutionContext executionContext,
        string outputPath,
        CancellationToken cancellationToken)
    {
        var values = new ChartValues();
        foreach (var target in model.Resources.Where(resource => resource is IComputeResource))
        {
            var resource = new KubernetesResource(target, environment);
            var variables = new VariableWriter(resource, values);
            await variables.WriteAsync(executionContext, cancellationToken);
            new WorkloadBuilder(resource, await variables.ArgumentsAsync(cancellationToken), values).Build();
            foreach (var customization in target.Annotations.OfType<KubernetesServiceCustomizationAnnotation>())
            {
                customization.Configure(resource);
            }

            await WriteTemplatesAsync(outputPath, target, resource.Objects, cancellationToken);
        }

        foreach (var ingress in model.Resources.OfType<KubernetesIngressResource>())
        {
            await WriteTemplatesAsync(outputPath, ingress, [StandaloneObjects.Of(ingress)], cancellationToken);
        }

        foreach (var volume in model.Resources.OfType<KubernetesPersistentVolumeResource>())
        {
            await WriteTemplatesAsync(outputPath, volume, [StandaloneObjects.Of(volume)], cancellationToken);
        }

        await File.WriteAllTextAsync(Path.Combine(outputPath, "Chart.yaml"), YamlWriter.Write(Chart()), cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(outputPath, "values.yaml"), YamlWriter.Write(values.Sections), cancellationToken);
    }

    private static async Task WriteTemplatesAsync(
        string outputPath,
        IResource resource,
        IEnumerable<BaseKubernetesResource> objects,
        CancellationToken cancellationToken)
    {
        var folder = Directory.CreateDirectory(Path.Combine(outputPath, "templates", resource.Name)).FullName;
        var prefix = $"{resource.Name.ToLowerInvariant()}-";
        var written = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in objects)
        {
            var name = item.Metadata.Name.StartsWith(prefix, StringComparison.Ordinal) ? item.Metadata.Name[prefix.Length..] : item.Metadata.Name;
            if (!written.Add(name))
            {
                throw new DistributedApplicationException($"Two objects of resource '{resource.Name}' are named '{item.Metadata.Name}': the second would overwrite the first.");
            }

            await File.WriteAllTextAsync(Path.Combine(folder, $"{name}.yaml"), $"---\n{YamlWriter.Write(item)}", cancellationToken);
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

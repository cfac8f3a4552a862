using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes.Resources;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>A resource's Deployment or StatefulSet, and the Service before it.</summary>
internal sealed class WorkloadBuilder(KubernetesResource resource, string[] arguments, ChartValues values)
{
    private readonly ChartEndpoint[] _endpoints = [.. ChartEndpoint.Of(resource.Target)];

    private string Name => resource.Name.ToLowerInvariant();

    public void Build()
    {
        foreach (var endpoint in _endpoints)
        {
            endpoint.AddValues(values);
        }

        resource.Workload = resource.Target is IResourceWithConnectionString || Bindings().Any() ? StatefulSet() : Deployment();
        Fill(resource.Workload.PodTemplate);
        resource.Service = _endpoints.Length == 0 ? null : Service();
    }

    private Deployment Deployment() => new()
    {
        Metadata = { Name = $"{Name}-deployment", Labels = resource.Labels },
        Spec =
        {
            Selector = new LabelSelectorV1(resource.Labels),
            Replicas = resource.Target.GetReplicaCount(),
            Strategy = { RollingUpdate = { MaxUnavailable = 1, MaxSurge = 1 } },
        },
    };

    private StatefulSet StatefulSet() => new()
    {
        Metadata = { Name = $"{Name}-statefulset", Labels = resource.Labels },
        Spec = { Selector = new LabelSelectorV1(resource.Labels), Replicas = resource.Target.GetReplicaCount() },
    };

    private Service Service()
    {
        var service = new Service
        {
            Metadata = { Name = $"{Name}-service", Labels = resource.Labels },
            Spec = { Selector = resource.Labels },
        };
        service.Spec.Ports.AddRange(_endpoints.Select(endpoint => new ServicePortV1
        {
            Name = endpoint.Endpoint.Name,
            Protocol = "TCP",
            Port = endpoint.Port!,
            TargetPort = endpoint.Port!,
        }));
        return service;
    }

    private void Fill(PodTemplateSpecV1 pod)
    {
        pod.Metadata.Labels = resource.Labels;
        pod.Spec.Containers.Add(Container());
        foreach (var mount in Mounts())
        {
            pod.Spec.Volumes.Add(Bindings().Any(volume => volume.Name == mount.Source)
                ? new()
                {
                    Name = mount.Source!,
                    PersistentVolumeClaim = new()
                    {
                        ClaimName = mount.Source!.ToLowerInvariant(),
                        ReadOnly = mount.IsReadOnly ? true : null,
                    },
                }
                : new() { Name = mount.Source!, EmptyDir = new() });
        }

        if (Bindings().Any())
        {
            pod.Spec.SecurityContext = new() { FsGroup = 2000, FsGroupChangePolicy = "OnRootMismatch" };
        }
    }

    private ContainerV1 Container()
    {
        var container = new ContainerV1 { Name = resource.Name, Image = Image() };
        container.Args.AddRange(arguments);
        if (resource.ConfigMap is { } config)
        {
            container.EnvFrom.Add(new() { ConfigMapRef = new() { Name = config.Metadata.Name } });
        }

        if (resource.Secret is { } secret)
        {
            container.EnvFrom.Add(new() { SecretRef = new() { Name = secret.Metadata.Name } });
        }

        container.Ports.AddRange(_endpoints.Select(endpoint =>
            new ContainerPortV1 { Name = endpoint.Endpoint.Name, Protocol = "TCP", ContainerPort = endpoint.Port }));
        container.VolumeMounts.AddRange(Mounts().Select(mount =>
            new VolumeMountV1 { Name = mount.Source!, MountPath = mount.Target, ReadOnly = mount.IsReadOnly ? true : null }));
        foreach (var annotation in resource.Target.Annotations.OfType<EndpointProbeAnnotation>())
        {
            var probe = Probe(annotation);
            container.StartupProbe = annotation.Type == ProbeType.Startup ? probe : container.StartupProbe;
            container.ReadinessProbe = annotation.Type == ProbeType.Readiness ? probe : container.ReadinessProbe;
            container.LivenessProbe = annotation.Type == ProbeType.Liveness ? probe : container.LivenessProbe;
        }

        return container;
    }

    private static ProbeV1 Probe(EndpointProbeAnnotation probe)
    {
        var endpoint = ChartEndpoint.Of(probe.EndpointReference);
        return new()
        {
            // The package writes the endpoint's scheme as it is, in lower case.
            HttpGet = new() { Scheme = endpoint.Endpoint.UriScheme, Path = probe.Path, Port = endpoint.Port },
            InitialDelaySeconds = probe.InitialDelaySeconds,
            PeriodSeconds = probe.PeriodSeconds,
            TimeoutSeconds = probe.TimeoutSeconds,
            FailureThreshold = probe.FailureThreshold,
            SuccessThreshold = probe.SuccessThreshold,
        };
    }

    /// <summary>A container's own image, or a chart value for what is built from a project.</summary>
    private string Image()
    {
        if (resource.Target.TryGetContainerImageName(out var image))
        {
            return image;
        }

        values.Add("parameters", resource.Name, $"{resource.Name}_image", $"{resource.Name}:latest");
        return HelmText.Value("parameters", resource.Name, $"{resource.Name}_image");
    }

    private IEnumerable<ContainerMountAnnotation> Mounts() => resource.Target.Annotations.OfType<ContainerMountAnnotation>();

    private IEnumerable<KubernetesPersistentVolumeResource> Bindings() =>
        resource.Target.Annotations.OfType<PersistentVolumeBindingAnnotation>().Select(binding => binding.Volume);
}

using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;

namespace Aspire.Hosting.Running;

/// <summary>All instances of the application: one of each resource, or as many as it has replicas.</summary>
internal sealed class InstanceRegistry(DistributedApplicationModel model, InstanceServices services, EndpointAllocator endpoints) : IDisposable
{
    private const string SuffixCharacters = "abcdefghjkmnpqrstuvwxyz";

    private readonly List<ResourceInstance> _instances = [];

    public IReadOnlyList<ResourceInstance> All => _instances;

    /// <exception cref="DistributedApplicationException">The model has something that cannot run without containers.</exception>
    public void Create()
    {
        foreach (var resource in model.Resources)
        {
            endpoints.Allocate(resource);
            Add(resource);
        }
    }

    public IEnumerable<ResourceInstance> Of(IResource resource) => _instances.Where(instance => instance.Resource == resource);

    public ResourceInstance? Find(string resourceId)
    {
        var named = _instances.Where(instance => string.Equals(instance.Resource.Name, resourceId, StringComparison.OrdinalIgnoreCase)).ToArray();
        return _instances.FirstOrDefault(instance => string.Equals(instance.Id, resourceId, StringComparison.OrdinalIgnoreCase))
            ?? (named.Length == 1 ? named[0] : null);
    }

    public void Dispose() => _instances.OfType<IDisposable>().ToList().ForEach(instance => instance.Dispose());

    private static string NewId(IResource resource) => $"{resource.Name}-{RandomNumberGenerator.GetString(SuffixCharacters, 8)}";

    private void Add(IResource resource)
    {
        switch (resource)
        {
            case ProjectResource project:
                for (var replica = 0; replica < project.GetReplicaCount(); replica++)
                {
                    _instances.Add(new ProjectInstance(project, NewId(project), EndpointAllocator.PortsOfReplica(project), services));
                }

                break;
            case var _ when resource.TryGetLastAnnotation<NativeServerAnnotation>(out var native):
                _instances.Add(new ServerInstance(resource, NewId(resource), native.Server, EndpointAllocator.PortsOfReplica(resource), services));
                break;
            case IResourceWithParent child:
                _instances.Add(new ChildInstance(child, services));
                break;
            case ParameterResource:
                break;
            default:
                throw new DistributedApplicationException(
                    $"'{resource.Name}' is a {resource.GetType().Name}, which only the real Aspire packages and a container engine can run.");
        }
    }
}

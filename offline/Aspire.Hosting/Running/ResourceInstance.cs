using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Running;

/// <summary>One running thing: a server, a replica of a project, or a part of a server such as a database.</summary>
internal abstract class ResourceInstance(IResource resource, string id, IReadOnlyDictionary<string, int> ports)
{
    public IResource Resource { get; } = resource;

    public string Id { get; } = id;

    /// <summary>What its output is filed and shown under.</summary>
    public string DisplayName => Resource.GetReplicaCount() > 1 ? Id : Resource.Name;

    /// <summary>Where it listens itself, by endpoint.</summary>
    public IReadOnlyDictionary<string, int> Ports { get; } = ports;

    /// <summary>Starts it once all that it waits for is there. Nothing happens if it runs.</summary>
    public abstract Task StartAsync(CancellationToken cancellationToken);

    /// <summary>Stops it, also while it still waits. Nothing happens if it does not run.</summary>
    public abstract Task StopAsync(CancellationToken cancellationToken);
}

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The states of all resources, and whoever waits for them to change.</summary>
public class ResourceNotificationService(
    DistributedApplicationModel model,
    DistributedApplicationOptions options,
    IHostApplicationLifetime lifetime)
{
    // Where there is a dashboard, somebody can start again what has ended.
    private readonly WaitBehavior _defaultWaitBehavior =
        options.DisableDashboard ? WaitBehavior.StopOnResourceUnavailable : WaitBehavior.WaitOnResourceUnavailable;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, ResourceEvent> _current = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<Channel<ResourceEvent>> _watchers = [];

    public Task PublishUpdateAsync(IResource resource, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory) =>
        PublishUpdateAsync(resource, resource.Name, stateFactory);

    public Task PublishUpdateAsync(IResource resource, string resourceId, Func<CustomResourceSnapshot, CustomResourceSnapshot> stateFactory)
    {
        lock (_lock)
        {
            var before = _current.TryGetValue(resourceId, out var known)
                ? known.Snapshot
                : new CustomResourceSnapshot { ResourceType = resource.GetType().Name, Properties = [], CreationTimeStamp = DateTime.UtcNow };
            var update = new ResourceEvent(resource, resourceId, stateFactory(before));
            _current[resourceId] = update;
            foreach (var watcher in _watchers)
            {
                watcher.Writer.TryWrite(update);
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>By the id of an instance, or by the name of a resource that has just one.</summary>
    public bool TryGetCurrentState(string resourceId, [NotNullWhen(true)] out ResourceEvent? resourceEvent)
    {
        lock (_lock)
        {
            if (_current.TryGetValue(resourceId, out resourceEvent))
            {
                return true;
            }

            var named = _current.Values.Where(state => IsNamed(state, resourceId)).Take(2).ToArray();
            resourceEvent = named.Length == 1 ? named[0] : null;
            return resourceEvent is not null;
        }
    }

    public async IAsyncEnumerable<ResourceEvent> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopped);
        var channel = Channel.CreateUnbounded<ResourceEvent>();
        lock (_lock)
        {
            foreach (var state in _current.Values)
            {
                channel.Writer.TryWrite(state);
            }

            _watchers.Add(channel);
        }

        try
        {
            await foreach (var update in channel.Reader.ReadAllAsync(stopped.Token))
            {
                yield return update;
            }
        }
        finally
        {
            lock (_lock)
            {
                _watchers.Remove(channel);
            }
        }
    }

    public Task WaitForResourceAsync(string resourceName, string? targetState = null, CancellationToken cancellationToken = default) =>
        WaitForResourceAsync(resourceName, [targetState ?? KnownResourceStates.Running], cancellationToken);

    public async Task<string> WaitForResourceAsync(string resourceName, IEnumerable<string> targetStates, CancellationToken cancellationToken = default)
    {
        var states = targetStates.ToHashSet(StringComparer.OrdinalIgnoreCase);
        var reached = await WaitForResourceAsync(
            resourceName,
            update => update.Snapshot.State is { } state && states.Contains(state.Text),
            cancellationToken);
        return reached.Snapshot.State!.Text;
    }

    public async Task<ResourceEvent> WaitForResourceAsync(
        string resourceName,
        Func<ResourceEvent, bool> predicate,
        CancellationToken cancellationToken = default)
    {
        await foreach (var update in WatchAsync(cancellationToken))
        {
            if (IsNamed(update, resourceName) && predicate(update))
            {
                return update;
            }
        }

        throw new OperationCanceledException($"The operation was cancelled before the resource '{resourceName}' met the predicate condition.");
    }

    public Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default) =>
        WaitForResourceHealthyAsync(resourceName, _defaultWaitBehavior, cancellationToken);

    /// <summary>Healthy, with the subscribers of its ready event done. With replicas: the first of them.</summary>
    /// <exception cref="DistributedApplicationException">It is not in the model, or it ended and the behavior says to stop then.</exception>
    public async Task<ResourceEvent> WaitForResourceHealthyAsync(
        string resourceName,
        WaitBehavior waitBehavior,
        CancellationToken cancellationToken = default)
    {
        if (waitBehavior == WaitBehavior.StopOnResourceUnavailable && !model.Resources.TryGetByName(resourceName, out _))
        {
            throw new DistributedApplicationException(
                $"Stopped waiting for resource '{resourceName}' to become healthy because it does not exist in the application model.");
        }

        var reached = await WaitForResourceAsync(
            resourceName,
            update => IsHealthy(update) || (waitBehavior == WaitBehavior.StopOnResourceUnavailable && HasEnded(update)),
            cancellationToken);
        return IsHealthy(reached)
            ? reached
            : throw new DistributedApplicationException(
                $"Stopped waiting for resource '{resourceName}' to become healthy because it failed to start.");
    }

    /// <summary>Waits for all that the resource's wait annotations name; of replicas, for each.</summary>
    public Task WaitForDependenciesAsync(IResource resource, CancellationToken cancellationToken) =>
        Task.WhenAll(resource.Annotations.OfType<WaitAnnotation>().Select(wait => WaitForDependencyAsync(resource, wait, cancellationToken)));

    internal static bool IsHealthy(ResourceEvent update) => update.Snapshot is { HealthStatus: HealthStatus.Healthy, IsReady: true };

    private static bool HasEnded(ResourceEvent update) =>
        update.Snapshot.State is { } state && KnownResourceStates.TerminalStates.Contains(state.Text);

    private static bool IsNamed(ResourceEvent update, string resourceName) =>
        string.Equals(update.Resource.Name, resourceName, StringComparison.OrdinalIgnoreCase)
        || string.Equals(update.ResourceId, resourceName, StringComparison.OrdinalIgnoreCase);

    private async Task WaitForDependencyAsync(IResource resource, WaitAnnotation wait, CancellationToken cancellationToken)
    {
        var stop = (wait.WaitBehavior ?? _defaultWaitBehavior) == WaitBehavior.StopOnResourceUnavailable;
        var arrived = new HashSet<string>();
        await foreach (var update in WatchAsync(cancellationToken))
        {
            if (update.Resource != wait.Resource)
            {
                continue;
            }

            if (IsSatisfied(wait, update) && arrived.Add(update.ResourceId) && arrived.Count >= wait.Resource.GetReplicaCount())
            {
                return;
            }

            if (HasEnded(update) && (stop || wait.WaitType == WaitType.WaitForCompletion) && !arrived.Contains(update.ResourceId))
            {
                throw new DistributedApplicationException(
                    $"'{resource.Name}' does not start: '{wait.Resource.Name}', which it waits for, is {update.Snapshot.State!.Text}.");
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    private static bool IsSatisfied(WaitAnnotation wait, ResourceEvent update) => wait.WaitType switch
    {
        WaitType.WaitUntilStarted => update.Snapshot.State?.Text == KnownResourceStates.Running,
        WaitType.WaitForCompletion => HasEnded(update) && update.Snapshot.ExitCode == wait.ExitCode,
        _ => IsHealthy(update),
    };
}

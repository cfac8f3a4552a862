using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Running;

/// <summary>A part of a server: it runs while the server runs and has checks of its own.</summary>
internal sealed class ChildInstance(IResourceWithParent resource, InstanceServices services)
    : ResourceInstance(resource, resource.Name, new Dictionary<string, int>())
{
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        _ = FollowParentAsync(cancellationToken);
        return Task.CompletedTask;
    }

    public override Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task FollowParentAsync(CancellationToken cancellationToken)
    {
        var monitoring = Task.CompletedTask;
        CancellationTokenSource? running = null;
        string? state = null;
        try
        {
            await foreach (var update in services.Notifications.WatchAsync(cancellationToken))
            {
                if (update.Resource != resource.Parent || update.Snapshot.State?.Text is not { } parentState)
                {
                    continue;
                }

                if (parentState != state)
                {
                    state = parentState;
                    await (running?.CancelAsync() ?? Task.CompletedTask);
                    await monitoring;
                    running?.Dispose();
                    running = null;
                    await services.Notifications.PublishUpdateAsync(
                        resource,
                        Id,
                        snapshot => snapshot with { State = state, HealthReports = ResourceHealth.Unknown(resource), IsReady = false });
                }

                // Its own checks cannot pass before the server has made it, which it does when it becomes ready.
                if (running is null && ResourceNotificationService.IsHealthy(update))
                {
                    running = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                    monitoring = services.Health.MonitorAsync(this, running.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The application stops.
        }
        finally
        {
            await (running?.CancelAsync() ?? Task.CompletedTask);
            await monitoring;
            running?.Dispose();
        }
    }
}

using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Native;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting.Running;

/// <summary>Starts everything in the model, each part as soon as what it waits for is there, and stops it in reverse.</summary>
internal sealed class ApplicationRunner(
    DistributedApplicationModel model,
    InstanceRegistry instances,
    ResourceNotificationService notifications,
    IDistributedApplicationEventing eventing,
    IServiceProvider services) : IHostedService, IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<TcpProxy> _proxies = [];
    private Task _starting = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        ServerInstallation.Check(model.Resources);
        await eventing.PublishAsync(new BeforeStartEvent(services, model), cancellationToken);
        instances.Create();
        foreach (var server in instances.All.OfType<ServerInstance>())
        {
            server.CheckData();
        }

        foreach (var parameter in model.Resources.OfType<ParameterResource>())
        {
            // Asked for here, so that a missing value is an error before anything runs.
            _ = parameter.ResolvedValue;
            await notifications.PublishUpdateAsync(parameter, snapshot => snapshot with { State = KnownResourceStates.Running, IsHidden = true, IsReady = true });
        }

        StartProxies();
        foreach (var instance in instances.All)
        {
            await notifications.PublishUpdateAsync(instance.Resource, instance.Id, snapshot => snapshot with
            {
                State = KnownResourceStates.NotStarted,
                Urls = ResourceUrls.Of(instance.Resource),
                HealthReports = ResourceHealth.Unknown(instance.Resource),
            });
        }

        _starting = Task.WhenAll(instances.All.Select(StartAsync));
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _starting;

        // Projects first: what they have in hand they may still write to the servers.
        foreach (var servers in (bool[])[false, true])
        {
            await Task.WhenAll(instances.All.Where(instance => instance is ServerInstance == servers).Select(instance => instance.StopAsync(CancellationToken.None)));
        }
    }

    public ValueTask DisposeAsync()
    {
        _proxies.ForEach(proxy => proxy.Dispose());
        _stopping.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task StartAsync(ResourceInstance instance)
    {
        try
        {
            await instance.StartAsync(_stopping.Token);
        }
        catch (Exception e) when (e is DistributedApplicationException or OperationCanceledException)
        {
            // The instance has logged it and its state says so; the start command can try again.
        }
    }

    private void StartProxies()
    {
        foreach (var resource in model.Resources.Where(resource => resource.GetReplicaCount() > 1))
        {
            foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
            {
                var proxy = new TcpProxy(endpoint.AllocatedEndpoint!.Port, [.. instances.Of(resource).Select(instance => instance.Ports[endpoint.Name])]);
                _proxies.Add(proxy);
                proxy.Start();
            }
        }
    }
}

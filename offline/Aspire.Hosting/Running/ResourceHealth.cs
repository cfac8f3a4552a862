using System.Collections.Concurrent;
using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Running;

/// <summary>Runs the checks of an instance and announces the first time that its resource is healthy.</summary>
internal sealed class ResourceHealth(
    HealthCheckService checks,
    IHttpClientFactory clients,
    ResourceNotificationService notifications,
    IDistributedApplicationEventing eventing,
    ResourceLoggerService loggers,
    IServiceProvider services)
{
    private static readonly TimeSpan _intervalWhenHealthy = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _intervalWhenNot = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan _httpTimeout = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<IResource, bool> _announced = [];

    public static ImmutableArray<HealthReportSnapshot> Unknown(IResource resource) =>
        [.. resource.Annotations.OfType<HealthCheckAnnotation>().Select(check => new HealthReportSnapshot(check.Key, null, null, null))];

    /// <summary>Until cancelled, that is while the instance runs.</summary>
    public async Task MonitorAsync(ResourceInstance instance, CancellationToken cancellationToken)
    {
        try
        {
            var isReady = false;
            while (true)
            {
                var reports = await CheckAsync(instance, cancellationToken);
                var isHealthy = reports.All(report => report.Status == HealthStatus.Healthy);
                isReady |= isHealthy && await TryAnnounceAsync(instance.Resource, cancellationToken);
                await PublishAsync(instance, reports, isReady);
                await Task.Delay(isHealthy && isReady ? _intervalWhenHealthy : _intervalWhenNot, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // It runs no more.
        }
    }

    private async Task PublishAsync(ResourceInstance instance, ImmutableArray<HealthReportSnapshot> reports, bool isReady)
    {
        if (notifications.TryGetCurrentState(instance.Id, out var current)
            && current.Snapshot.IsReady == isReady
            && current.Snapshot.HealthReports.SequenceEqual(reports))
        {
            return;
        }

        await notifications.PublishUpdateAsync(instance.Resource, instance.Id, snapshot => snapshot with { HealthReports = reports, IsReady = isReady });
    }

    private async Task<ImmutableArray<HealthReportSnapshot>> CheckAsync(ResourceInstance instance, CancellationToken cancellationToken)
    {
        var http = instance.Resource.Annotations.OfType<HttpHealthCheckAnnotation>().ToArray();
        var keys = instance.Resource.Annotations.OfType<HealthCheckAnnotation>().Select(check => check.Key)
            .Except(http.Select(check => check.Key))
            .ToHashSet();
        var reports = ImmutableArray.CreateBuilder<HealthReportSnapshot>();
        foreach (var check in http)
        {
            reports.Add(await CheckHttpAsync(instance, check, cancellationToken));
        }

        if (keys.Count > 0)
        {
            var report = await checks.CheckHealthAsync(registration => keys.Contains(registration.Name), cancellationToken);
            reports.AddRange(report.Entries.Select(entry =>
                new HealthReportSnapshot(entry.Key, entry.Value.Status, entry.Value.Description, entry.Value.Exception?.Message)));
        }

        return reports.ToImmutable();
    }

    private async Task<HealthReportSnapshot> CheckHttpAsync(ResourceInstance instance, HttpHealthCheckAnnotation check, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(_httpTimeout);
        try
        {
            using var client = clients.CreateClient();
            var port = instance.Ports[check.Endpoint.EndpointName];
            var address = new UriBuilder(check.Endpoint.Scheme, "localhost", port).Uri;
            using var response = await client.GetAsync(new Uri(address, check.Path), timeout.Token);
            return (int)response.StatusCode == check.StatusCode
                ? new HealthReportSnapshot(check.Key, HealthStatus.Healthy, null, null)
                : new HealthReportSnapshot(check.Key, HealthStatus.Unhealthy, $"Answered {(int)response.StatusCode}.", null);
        }
        catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return new HealthReportSnapshot(check.Key, HealthStatus.Unhealthy, "Did not answer.", e.Message);
        }
    }

    private async Task<bool> TryAnnounceAsync(IResource resource, CancellationToken cancellationToken)
    {
        if (_announced.ContainsKey(resource))
        {
            return true;
        }

#pragma warning disable CA1031 // A subscriber's failure is the resource's: it is logged and the announcement tried again.
        try
        {
            await eventing.PublishAsync(new ResourceReadyEvent(resource, services), cancellationToken);
            _announced[resource] = true;
            return true;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            loggers.Append(resource.Name, $"Healthy but not ready: {e.Message}", isError: true);
            return false;
        }
#pragma warning restore CA1031
    }
}

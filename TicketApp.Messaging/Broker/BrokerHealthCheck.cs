using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace TicketApp.Messaging.Broker;

/// <summary>Healthy while every broker loop of the process can do its work; degraded if that is not so for the queues of some models.</summary>
internal sealed class BrokerHealthCheck(IEnumerable<BrokerLoop> loops) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var idle = loops.Where(loop => !loop.IsReady).Select(loop => loop.Name).ToArray();
        var refused = loops.SelectMany(loop => loop.RefusedQueues).Distinct().ToArray();
        return Task.FromResult(
            idle.Length > 0 ? new HealthCheckResult(context.Registration.FailureStatus, $"The broker cannot be used by: {string.Join(", ", idle)}.")
            : refused.Length > 0 ? HealthCheckResult.Degraded($"The broker refuses the queues: {string.Join(", ", refused)}.")
            : HealthCheckResult.Healthy());
    }
}

using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace TicketApp.Contracts.Broker;

/// <summary>Healthy while every broker loop of the process can do its work.</summary>
internal sealed class BrokerHealthCheck(IEnumerable<BrokerLoop> loops) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var idle = loops.Where(loop => !loop.IsReady).Select(loop => loop.Name).ToArray();
        return Task.FromResult(idle.Length == 0
            ? HealthCheckResult.Healthy()
            : new HealthCheckResult(context.Registration.FailureStatus, $"The broker cannot be used by: {string.Join(", ", idle)}."));
    }
}

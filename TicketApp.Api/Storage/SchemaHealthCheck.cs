using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace TicketApp.Api.Storage;

/// <summary>Healthy once the schema is up to date.</summary>
internal sealed class SchemaHealthCheck(DatabaseMigrator migrator) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(migrator.Ready.IsCompletedSuccessfully
            ? HealthCheckResult.Healthy()
            : new HealthCheckResult(context.Registration.FailureStatus, $"The schema is not up to date yet{(migrator.FailureReason is { } reason ? $": {reason}" : "")}."));
}

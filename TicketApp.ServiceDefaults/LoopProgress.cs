using System.Collections.Concurrent;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace TicketApp.ServiceDefaults;

/// <summary>
/// The register of the process's background loops, and how they get on. One that hangs, or fails again and again, shows in <c>/health</c>
/// though everything that it needs is there: unhealthy if the process cannot serve without it, else degraded.
/// </summary>
/// <param name="time">Tells how long a round has taken.</param>
public sealed class LoopProgress(TimeProvider time) : IHealthCheck
{
    private readonly ConcurrentQueue<SupervisedLoop> _loops = [];

    /// <summary>Longer than any round that gets on, also one whose statement runs into its own time limit.</summary>
    public static TimeSpan RoundLimit { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Called with each failure of a round.</summary>
    public Action<Exception>? OnFailure { get; set; }

    /// <summary>All loops of the process.</summary>
    public IReadOnlyCollection<SupervisedLoop> All => _loops;

    internal TimeProvider Time => time;

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        SupervisedLoop[] stuck = [.. _loops.Where(loop => loop.Trying > RoundLimit)];
        SupervisedLoop[] ailing = [.. stuck.Union(_loops.Where(loop => loop.FailureReason is not null))];
        var status =
            stuck.Any(loop => loop.IsEssential) ? context.Registration.FailureStatus
            : ailing.Length > 0 ? HealthStatus.Degraded
            : HealthStatus.Healthy;
        var reason = ailing.Length == 0 ? null : $"No progress: {string.Join(", ", ailing.Select(Describe))}.";
        return Task.FromResult(new HealthCheckResult(status, reason));
    }

    internal void Add(SupervisedLoop loop) => _loops.Enqueue(loop);

    internal void NoteFailure(Exception exception) => OnFailure?.Invoke(exception);

    private static string Describe(SupervisedLoop loop) =>
        $"{loop.Name} for {(loop.Trying ?? TimeSpan.Zero).TotalSeconds:F0} s{(loop.FailureReason is { } reason ? $" ({reason})" : "")}";
}

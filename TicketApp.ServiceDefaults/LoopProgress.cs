using System.Collections.Concurrent;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace TicketApp.ServiceDefaults;

/// <summary>
/// Since when each background loop of the process tries to get its round done. One that hangs, or fails again and again, shows in <c>/health</c>
/// though everything that it needs is there.
/// </summary>
/// <param name="time">Tells how long a round has taken.</param>
public sealed class LoopProgress(TimeProvider time) : IHealthCheck
{
    // Longer than any round, also when a statement runs into its own time limit.
    private static readonly TimeSpan _longestRound = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, long> _begun = [];

    /// <summary>The loop <paramref name="name"/> begins a round, or tries again.</summary>
    public void Begin(string name) => _begun.TryAdd(name, time.GetTimestamp());

    /// <summary>It has done what there was to do.</summary>
    public void Done(string name) => _begun.TryRemove(name, out _);

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        string[] stuck = [.. _begun.Where(loop => time.GetElapsedTime(loop.Value) > _longestRound).Select(loop => $"{loop.Key} for {time.GetElapsedTime(loop.Value).TotalSeconds:F0} s")];
        return Task.FromResult(stuck.Length == 0
            ? HealthCheckResult.Healthy()
            : new HealthCheckResult(context.Registration.FailureStatus, $"No progress: {string.Join(", ", stuck)}."));
    }
}

using System.Diagnostics.Metrics;

namespace TicketApp.ServiceDefaults;

/// <summary>How durations of tickets and runs are measured, in Api and worker alike.</summary>
public static class Durations
{
    /// <summary>Buckets in seconds, from a fraction of a run that takes no time to the longest that the original allows.</summary>
    public static InstrumentAdvice<double> Advice { get; } = new()
    {
        HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600],
    };
}

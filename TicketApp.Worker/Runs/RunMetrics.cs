using System.Diagnostics.Metrics;
using TicketApp.Messaging;
using TicketApp.ServiceDefaults;

namespace TicketApp.Worker.Runs;

/// <summary>What this worker counts and times. docs/telemetry.md describes each instrument.</summary>
internal sealed class RunMetrics
{
    private readonly Histogram<double> _duration;

    public RunMetrics(IMeterFactory meters, ActiveRuns runs)
    {
        var meter = meters.Create(TelemetryNames.App);
        meter.CreateObservableGauge(
            "ticketapp.runs",
            () => runs.All
                .Where(run => run.HasStarted && !run.HasEnded)
                .CountBy(run => run.Ticket.Model)
                .Select(model => new Measurement<int>(model.Value, Model(model.Key))),
            "{run}",
            "Active runs in this worker.");
        _duration = meter.CreateHistogram(
            "ticketapp.run.duration",
            "s",
            "How long a run took in this worker, however it ended.",
            advice: Durations.Advice);
    }

    /// <summary>A run has ended.</summary>
    public void Ended(Run run, WorkerReport report)
    {
        if (report.ErrorType is { } error)
        {
            _duration.Record(run.Elapsed.TotalSeconds, Model(run.Ticket.Model), new("error.type", error));
        }
        else
        {
            _duration.Record(run.Elapsed.TotalSeconds, Model(run.Ticket.Model));
        }
    }

    private static KeyValuePair<string, object?> Model(string model) => new("ticketapp.model", model);
}

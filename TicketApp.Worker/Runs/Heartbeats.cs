using TicketApp.Contracts;
using TicketApp.Contracts.Broker;
using TicketApp.ServiceDefaults;

namespace TicketApp.Worker.Runs;

/// <summary>Reports runs that have lasted half a second as started, what their models say of their progress, and every ten seconds all that still run. Quick runs cost no message.</summary>
internal sealed class Heartbeats(
    Reporter reporter, RunsInHand runs, BrokerPublisher broker, WorkerIdentity worker, ServedModels models, TimeProvider time) : BackgroundService, IStopsInPhase
{
    private const int RunsInAMessage = 1000;
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _worthAReport = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _beat = TimeSpan.FromSeconds(10);

    /// <summary>Runs that are drained keep their leases.</summary>
    public StopPhase StopPhase => StopPhase.Heartbeats;

    public TimeSpan StopLimit => TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(_look, time);
        long? lastBeat = null;
        var offered = 0;
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                // Kept back while the broker is away: old news is no sign of life.
                if (!broker.IsReady)
                {
                    lastBeat = null;
                    continue;
                }

                ReportRuns();
                ModelOffer[] ready = [.. models.All.Where(served => served.Warm.IsCompletedSuccessfully).Select(served => served.Offer)];
                if (lastBeat is null || ready.Length > offered || time.GetElapsedTime(lastBeat.Value) >= _beat)
                {
                    SendBeat(ready);
                    (lastBeat, offered) = (time.GetTimestamp(), ready.Length);
                }
            }
        }
        finally
        {
            SendBeat([]);
        }
    }

    private void ReportRuns()
    {
        foreach (var run in runs.All)
        {
            if (!run.IsReported && !run.HasEnded && run.Elapsed >= _worthAReport)
            {
                run.IsReported = true;
                reporter.Report(run.Report(ReportType.Started, worker.Name) with { RunLimitMilliseconds = (long)run.Limit.TotalMilliseconds });
            }

            if (!run.HasEnded && run.Progress.Take(() => run.Report(ReportType.Progress, worker.Name)) is { } progress)
            {
                reporter.Report(progress);
            }
        }
    }

    private void SendBeat(IReadOnlyList<ModelOffer> ready)
    {
        var chunks = runs.All.Where(run => run.IsReported).Select(run => run.Reference).Chunk(RunsInAMessage).DefaultIfEmpty([]);
        foreach (var chunk in chunks)
        {
            reporter.Report(new WorkerReport { Type = ReportType.Heartbeat, Worker = worker.Name, Models = ready, Runs = chunk });
        }
    }
}

using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;

namespace TicketApp.Worker.Runs;

/// <summary>
/// Reports runs that have lasted half a second as started, what their models say of their progress, and every ten seconds all
/// that still run. Quick runs cost no message.
/// </summary>
internal sealed class Heartbeats(
    Reporter reporter,
    ActiveRuns runs,
    BrokerPublisher broker,
    WorkerIdentity worker,
    ServedModels models,
    TimeProvider time,
    LoopProgress progress,
    ILogger<Heartbeats> logger) : SupervisedLoop("heartbeats", progress, logger), IStopsInPhase
{
    private const int RunsInAMessage = 1000;
    private static readonly TimeSpan _query = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _worthAReport = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _beat = TimeSpan.FromSeconds(10);

    private readonly PeriodicTimer _timer = new(_query, time);
    private long? _lastBeat;
    private int _offered;

    /// <summary>Runs that are drained keep their leases.</summary>
    public StopPhase StopPhase => StopPhase.Heartbeats;

    public TimeSpan StopLimit => TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public override bool IsEssential => true;

    public override void Dispose()
    {
        _timer.Dispose();
        base.Dispose();
    }

    protected override ValueTask<bool> WaitForWorkAsync(CancellationToken stoppingToken) => _timer.WaitForNextTickAsync(stoppingToken);

    protected override Task RunAsync(CancellationToken stoppingToken)
    {
        // Kept back while the broker is away: old news is no sign of life.
        if (!broker.IsReady)
        {
            _lastBeat = null;
            return Task.CompletedTask;
        }

        ReportRuns();
        ModelOffer[] ready = [.. models.All.Where(served => served.Warm.IsCompletedSuccessfully).Select(served => served.Offer)];
        if (_lastBeat is null || ready.Length > _offered || time.GetElapsedTime(_lastBeat.Value) >= _beat)
        {
            SendBeat(ready);
            (_lastBeat, _offered) = (time.GetTimestamp(), ready.Length);
        }

        return Task.CompletedTask;
    }

    protected override Task OnStoppedAsync()
    {
        SendBeat([]);
        return Task.CompletedTask;
    }

    private void ReportRuns()
    {
        foreach (var run in runs.All)
        {
            if (!run.IsReported && !run.HasEnded && run.Elapsed >= _worthAReport)
            {
                run.IsReported = true;
                reporter.Report(run.Report(ReportType.Started, worker.Name) with
                {
                    ExecutionTimeoutMilliseconds = (long)run.Limit.TotalMilliseconds,
                });
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

using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;

namespace TicketApp.Worker.Runs;

/// <summary>
/// Reports runs that have lasted half a second as started, what their models say of their progress, and every ten seconds all
/// that still run, or a second after what the worker says of its models has changed. Quick runs cost no message.
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

    private readonly PeriodicTimer _timer = new(_query, time);
    private readonly HeartbeatSchedule _schedule = new(time);

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
            _schedule.Restart();
            return Task.CompletedTask;
        }

        ReportRuns();
        ModelOffer[] ready = [.. models.All.Where(served => served.Warm.IsCompletedSuccessfully).Select(served => served.CurrentOffer)];
        if (_schedule.Next(ready) is { } withSchemas)
        {
            SendBeat(ready, withSchemas);
        }

        return Task.CompletedTask;
    }

    protected override Task OnStoppedAsync()
    {
        SendBeat([], withSchemas: false);
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

    private void SendBeat(ModelOffer[] ready, bool withSchemas)
    {
        ModelOffer[] withoutSchemas = [.. ready.Select(offer => offer with { InputSchema = null })];
        var chunks = runs.All.Where(run => run.IsReported).Select(run => run.Reference).Chunk(RunsInAMessage).DefaultIfEmpty([]);
        foreach (var (index, chunk) in chunks.Index())
        {
            reporter.Report(new WorkerReport
            {
                Type = ReportType.Heartbeat,
                Worker = worker.Name,
                Models = withSchemas && index == 0 ? ready : withoutSchemas,
                Runs = chunk,
            });
        }
    }
}

/// <summary>When heartbeats are due, and which have the schemas of the models' inputs: those may be long, and rarely change.</summary>
internal sealed class HeartbeatSchedule(TimeProvider time)
{
    private static readonly TimeSpan _beat = TimeSpan.FromSeconds(10);

    // What is served changes seldom, but a busy endpoint may refuse and take requests by turns.
    private static readonly TimeSpan _minBeat = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _withSchemas = TimeSpan.FromMinutes(1);

    private long? _lastBeat;
    private long? _lastWithSchemas;
    private int _ready;
    private string _offered = "";

    /// <summary>The next one is the first of a connection.</summary>
    public void Restart() => _lastBeat = _lastWithSchemas = null;

    /// <summary>Whether the heartbeat that is due has the schemas; null: none is due.</summary>
    /// <param name="ready">The models that are ready.</param>
    public bool? Next(IReadOnlyList<ModelOffer> ready)
    {
        var isMore = ready.Count > _ready;
        var offered = string.Join(' ', ready.Select(offer => offer.IsUnavailable ? $"-{offer.Name}" : offer.Name));
        if (!isMore && !IsDue(_lastBeat, offered == _offered ? _beat : _minBeat))
        {
            return null;
        }

        var withSchemas = isMore || IsDue(_lastWithSchemas, _withSchemas);
        (_lastBeat, _ready, _offered) = (time.GetTimestamp(), ready.Count, offered);
        _lastWithSchemas = withSchemas ? _lastBeat : _lastWithSchemas;
        return withSchemas;
    }

    private bool IsDue(long? last, TimeSpan interval) => last is null || time.GetElapsedTime(last.Value) >= interval;
}

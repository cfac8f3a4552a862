using System.Security.Cryptography;
using System.Threading.Channels;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.Messaging.Tracing;
using TicketApp.ServiceDefaults;

namespace TicketApp.Worker.Runs;

/// <summary>
/// Publishes reports: those that arise while one message is in progress share the next. What was reported is kept until the
/// broker has it; only then is the ticket's own message acknowledged, so that no result can be lost between the two.
/// </summary>
internal sealed partial class Reporter(BrokerPublisher broker, ActiveRuns runs, LoopProgress progress, ILogger<Reporter> logger)
    : SupervisedLoop("send reports", progress, logger), IStopsInPhase
{
    private const int MaxBatch = 200;

    // With a last one of the longest, and each character an escape of six bytes, this stays within the 16 MiB of a message.
    private const int MaxCharacters = WorkerReport.MaxResponse;
    private static readonly TimeSpan _confirmLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _sendLimit = TimeSpan.FromSeconds(1);

    // Bounded by the runs in progress: each has at most its start and its end here, and what is said of it while the broker takes messages.
    private readonly Channel<Entry> _entries = Channel.CreateUnbounded<Entry>(new UnboundedChannelOptions { SingleReader = true });

    // Sent to the broker and not confirmed; kept if the connection breaks.
    private readonly List<Entry> _batch = new(MaxBatch);

    public StopPhase StopPhase => StopPhase.Publishing;

    // On a busy machine each step is late, and what is cut off here is lost with the connection.
    public TimeSpan StopLimit => _confirmLimit + 4 * _sendLimit;

    /// <summary>Reports the end of a run; lets go of it once the broker has the report.</summary>
    public void Report(WorkerReport report, Run ended) => _entries.Writer.TryWrite(new(report, ended, null));

    /// <summary>Reports something about a message that is not run here; acknowledges it once the broker has the report.</summary>
    public void Report(WorkerReport report, PendingDelivery message) => _entries.Writer.TryWrite(new(report, null, message));

    /// <summary>Acknowledges a message about which there is nothing to report.</summary>
    public void Acknowledge(PendingDelivery message) => _entries.Writer.TryWrite(new(null, null, message));

    /// <summary>Lets go of a run about which there is nothing to report.</summary>
    public void Drop(Run run) => _entries.Writer.TryWrite(new(null, run, null));

    /// <summary>Reports what ends nothing.</summary>
    public void Report(WorkerReport report) => _entries.Writer.TryWrite(new(report, null, null));

    /// <summary>Sends what is left, then stops.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _entries.Writer.TryComplete();
        if (ExecuteTask is { } rest)
        {
            await rest.WaitAsync(_confirmLimit, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await base.StopAsync(cancellationToken);
        await SendUnconfirmedAsync();
    }

    /// <inheritdoc/>
    public override bool IsEssential => true;

    // A caller that waits for an answer waits for this.
    protected override TimeSpan MaxPause => TimeSpan.FromMilliseconds(200);

    protected override ValueTask<bool> WaitForWorkAsync(CancellationToken stoppingToken) => _entries.Reader.WaitToReadAsync(stoppingToken);

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        TakeBatch();
        await PublishAsync(Reports(_batch), stoppingToken);
        // A run goes before its message is looked at: a repetition from now on is a message of its own.
        var messages = _batch.Select(entry => entry.Ended is { } run ? runs.Remove(run) : entry.Message).OfType<PendingDelivery>();
        foreach (var message in messages.Where(message => message.Complete()))
        {
            message.Acknowledge();
        }

        var count = _batch.Count;
        _batch.Clear();
        await BatchLinger.AfterAsync(count);
    }

    protected override string? Explain(Exception exception) => exception is BrokerUnavailableException ? exception.Message : null;

    private static WorkerReport[] Reports(List<Entry> batch) => [.. batch.Select(entry => entry.Report).OfType<WorkerReport>()];

    private void TakeBatch()
    {
        var characters = 0;
        while (_batch.Count < MaxBatch && characters < MaxCharacters && _entries.Reader.TryRead(out var entry))
        {
            _batch.Add(entry);
            characters += (entry.Report?.Response?.Text.Length ?? 0) + (entry.Report?.Text?.Length ?? 0);
        }
    }

    /// <summary>
    /// Sends what a broker that hangs has not confirmed in time, all at once and without another answer. The broker reads what is in
    /// its socket when it continues, though this process is gone by then: no result is lost, and no ticket has to wait for the end of
    /// its lease. What it gets twice counts once.
    /// </summary>
    private async Task SendUnconfirmedAsync()
    {
        List<Task> sent = [];
        for (; _batch.Count > 0 || _entries.Reader.TryPeek(out _); _batch.Clear())
        {
            TakeBatch();
            if (Reports(_batch) is { Length: > 0 } reports)
            {
                sent.Add(broker.PublishAsync(QueueNames.Responses, Serialize(reports), isLast: true));
                Log.Unconfirmed(Logger, reports.Length);
            }
        }

        await Task.WhenAll(sent).WaitAsync(_sendLimit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static byte[] Serialize(WorkerReport[] reports) => reports is [var only]
        ? ContractJson.Serialize(only, ContractJson.Default.WorkerReport)
        : ContractJson.Serialize(reports, ContractJson.Default.IReadOnlyListWorkerReport);

    private async Task PublishAsync(WorkerReport[] reports, CancellationToken stoppingToken)
    {
        if (reports.Length == 0)
        {
            return;
        }

        using var span = TicketTrace.StartShared("send reports", reports.Select(report => report.TraceParent));
        await broker.PublishAsync(QueueNames.Responses, Serialize(reports), cancellationToken: stoppingToken);
    }

    private readonly record struct Entry(WorkerReport? Report, Run? Ended, PendingDelivery? Message);

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "Stopping: the broker has not confirmed {Count} reports")]
        public static partial void Unconfirmed(ILogger logger, int count);
    }
}

/// <summary>This start of this process: another start is another worker, since it knows nothing of the first one's runs.</summary>
internal sealed class WorkerIdentity
{
    /// <summary>The host's name and a random part.</summary>
    public string Name { get; } = $"{Environment.MachineName}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
}

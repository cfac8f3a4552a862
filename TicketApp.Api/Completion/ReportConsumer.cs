using System.Threading.Channels;
using RabbitMQ.Client;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Completion;

/// <summary>Consumes what workers report, for <see cref="ReportApplier"/>, while that can apply it.</summary>
internal sealed class ReportConsumer(
    IConnectionFactory factory,
    BrokerPublisher broker,
    PendingReports pending,
    LeaseClock leases,
    LoopProgress progress,
    ILogger<ReportConsumer> logger)
    : BrokerConsumer(factory, QueueNames.Responses, broker, progress, logger)
{
    // Times the 12 MB of the largest message, this is what a replica may have to hold, and nothing else bounds it. Together with
    // Limits:MaxBytesInFlight it fits into a pod of 512 MiB. Few are enough: each carries what its worker had to say by then.
    private const ushort Prefetch = 12;

    protected override IReadOnlyList<Consumption> Queues =>
        [new(QueueNames.Responses, Prefetch, () => pending.IsEmpty, pending.WhenOpen)];

    protected override ValueTask OnDeliveryAsync(Delivery delivery, CancellationToken lost)
    {
        pending.Add(delivery);
        return ValueTask.CompletedTask;
    }

    protected override void OnFailed(Exception exception)
    {
        leases.Interrupted();
        base.OnFailed(exception);
    }

    /// <summary>The end of the connection returns what is not acknowledged.</summary>
    protected override async Task WhileConsumingAsync(CancellationToken lost)
    {
        await pending.WhenOpen.WaitAsync(lost);
        await pending.WhenClosed.WaitAsync(lost);
        throw new BrokerUnavailableException("reports are returned to the broker until the database takes them");
    }
}

/// <summary>
/// Sends a message along the way that reports take. It expires: one that comes back says how long reports take now. See
/// <see cref="LeaseClock"/>.
/// </summary>
internal sealed class ReportProbe(BrokerPublisher broker, LoopProgress progress, ILogger<ReportProbe> logger)
    : SupervisedLoop("probe of reports", progress, logger)
{
    // Replicas share the queue and so each other's probes; often enough for each to see one every few seconds.
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(2);

    private readonly byte[] _probe =
        ContractJson.Serialize(new WorkerReport { Type = ReportType.Probe, Worker = "api" }, ContractJson.Default.WorkerReport);

    protected override async ValueTask<bool> WaitForWorkAsync(CancellationToken stoppingToken)
    {
        await Task.Delay(_interval, stoppingToken);
        return true;
    }

    protected override Task RunAsync(CancellationToken stoppingToken) =>
        broker.PublishAsync(QueueNames.Responses, _probe, expiration: _interval * 2, cancellationToken: stoppingToken);

    protected override string? Explain(Exception exception) => exception is BrokerUnavailableException ? exception.Message : null;
}

/// <summary>
/// Deliveries between the consumer and what applies them, and whether more may be taken. A replica that cannot write to the database takes
/// none: what it kept would be missing from the replicas that can.
/// </summary>
internal sealed class PendingReports
{
    // A channel for a single reader cannot count.
    private readonly Channel<Delivery> _deliveries = Channel.CreateUnbounded<Delivery>();
    private volatile TaskCompletionSource _opened = New();
    private volatile TaskCompletionSource _closed = New();

    /// <summary>Whether more may be taken.</summary>
    public bool IsOpen => _opened.Task.IsCompleted;

    /// <summary>Ends when more may be taken.</summary>
    public Task WhenOpen => _opened.Task;

    /// <summary>Ends when no more may be taken, and those that were taken must be returned to the broker.</summary>
    public Task WhenClosed => _closed.Task;

    /// <summary>Whether all that were delivered are taken.</summary>
    public bool IsEmpty => _deliveries.Reader.Count == 0;

    /// <summary>Bounded by the consumer's prefetch.</summary>
    public ChannelReader<Delivery> Reader => _deliveries.Reader;

    public void Add(Delivery delivery) => _deliveries.Writer.TryWrite(delivery);

    public void Open()
    {
        _closed = New();
        _opened.TrySetResult();
    }

    public void Close()
    {
        _opened = New();
        _closed.TrySetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>One report of a message, judged by itself. The message is acknowledged once the last of its reports is dealt with.</summary>
internal sealed class PendingReport(PendingDelivery message, MessageElement<WorkerReport> element)
{
    public PendingDelivery Message { get; } = message;

    /// <summary>Null if it could not be read.</summary>
    public WorkerReport? Report { get; } = element.Value;

    /// <summary>Why it goes to <see cref="QueueNames.Errors"/> instead of being applied; null if it does not.</summary>
    public string? Defect { get; set; } = element.Defect;

    /// <summary>It is not tried before: alone it failed, though the database is there. As <see cref="Environment.TickCount64"/>.</summary>
    public long NotBefore { get; set; }

    /// <summary>Applied, or moved to errors.</summary>
    public bool IsDone { get; private set; }

    /// <summary>What is moved to errors.</summary>
    public ReadOnlyMemory<byte> Body =>
        element.Body.IsEmpty ? ContractJson.Serialize(Report!, ContractJson.Default.WorkerReport) : element.Body;

    /// <summary>About how much of a statement it takes, in characters.</summary>
    public int Size => (Report?.Response?.Text.Length ?? 0) + (Report?.Text?.Length ?? 0) + (Report?.DetailsLength ?? 0);

    /// <summary>It is dealt with.</summary>
    public void Complete()
    {
        IsDone = true;
        if (Message.Complete())
        {
            Message.Acknowledge();
        }
    }
}

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
        [new(QueueNames.Responses, Prefetch, () => pending.Reader.Count == 0, pending.WhenOpen)];

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

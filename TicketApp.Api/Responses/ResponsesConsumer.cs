using System.Text.Json;
using System.Threading.Channels;
using RabbitMQ.Client;
using TicketApp.Api.Cancellation;
using TicketApp.Api.Database;
using TicketApp.Api.Deadlines;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Errors;
using TicketApp.Api.Telemetry;
using TicketApp.Api.Tickets;
using TicketApp.Api.Waiting;
using TicketApp.Contracts;
using TicketApp.Contracts.Broker;
using TicketApp.Contracts.Tracing;

namespace TicketApp.Api.Responses;

/// <summary>
/// Consumes what workers report. Takes all that has arrived, applies it in one transaction, and only then acknowledges it.
/// While the database is away the messages stay in hand, and the broker keeps the rest.
/// </summary>
internal sealed partial class ResponsesConsumer(
    IConnectionFactory factory,
    BrokerPublisher broker,
    ReportStore store,
    Dispatcher dispatcher,
    LeaseClock leases,
    ErrorOutbox errors,
    SucceededTickets succeeded,
    OpenTickets open,
    RunTimes runTimes,
    StopNotifier stops,
    TicketWatch watch,
    TicketMetrics metrics,
    DatabaseMigrator migrator,
    ILogger<ResponsesConsumer> logger) : BrokerConsumer(factory, QueueNames.Responses, broker, logger)
{
    private const int LargestBatch = 1000;
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(500);

    // Replicas share the queue and so each other's probes; often enough for each to see one every few seconds.
    private static readonly TimeSpan _probeEvery = TimeSpan.FromSeconds(2);

    private readonly Channel<Delivery> _arrived = Channel.CreateUnbounded<Delivery>(new UnboundedChannelOptions { SingleReader = true });

    // The prefetch bounds the unbounded channel above.
    protected override IReadOnlyList<Consumption> Queues => [new(QueueNames.Responses, Prefetch: 1000, () => _arrived.Reader.Count == 0, Ready: Task.CompletedTask)];

    protected override ValueTask OnDeliveryAsync(Delivery delivery, CancellationToken lost) => _arrived.Writer.WriteAsync(delivery, lost);

    protected override async Task WhileConsumingAsync(CancellationToken lost)
    {
        await migrator.Ready.WaitAsync(lost);
        var probing = ProbeAsync(lost);
        try
        {
            while (await _arrived.Reader.WaitToReadAsync(lost))
            {
                await TakeBatchAsync(lost);
            }
        }
        finally
        {
            leases.Interrupted();
            await probing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Sends a message along the way that reports take: see <see cref="LeaseClock"/>.</summary>
    private async Task ProbeAsync(CancellationToken lost)
    {
        var probe = JsonSerializer.SerializeToUtf8Bytes(new WorkerReport { Type = ReportType.Probe, Worker = "api" }, ContractJson.Default.WorkerReport);
        using PeriodicTimer timer = new(_probeEvery);
        do
        {
            try
            {
                await Broker.PublishAsync(QueueNames.Responses, probe, expiration: _probeEvery * 2, cancellationToken: lost);
            }
            catch (BrokerUnavailableException)
            {
                // Then it does not come back, which is what it is to show.
            }
        }
        while (await timer.WaitForNextTickAsync(lost));
    }

    private async Task TakeBatchAsync(CancellationToken lost)
    {
        List<(Delivery Delivery, IReadOnlyList<WorkerReport> Reports)> batch = [];
        var size = 0;
        while (size < LargestBatch && _arrived.Reader.TryRead(out var delivery))
        {
            // Left over from a lost connection: the broker delivers it again.
            if (delivery.IsLost)
            {
                continue;
            }

            if (!MessageReader.TryReadReports(delivery.Body.Span, out var reports, out var reason))
            {
                await MoveToErrorsAsync(delivery, reason, lost);
                reports = [];
            }

            batch.Add((delivery, reports));
            size += Math.Max(1, reports.Count);
        }

        if (batch.Count == 0)
        {
            return;
        }

        await ApplyAsync(batch, lost);
        foreach (var (delivery, _) in batch)
        {
            delivery.Acknowledge();
        }

        await Gathering.AfterAsync(size);
    }

    /// <summary>Applies a batch, again and again while the database is away; if a statement is refused, each message by itself.</summary>
    private async Task ApplyAsync(List<(Delivery Delivery, IReadOnlyList<WorkerReport> Reports)> batch, CancellationToken lost)
    {
        WorkerReport[] reports = [.. batch.SelectMany(message => message.Reports)];
        using var span = TicketTrace.StartShared("record reports", reports.Select(report => report.TraceParent));
        while (true)
        {
            try
            {
                Applied(await store.ApplyAsync(reports, lost));
                metrics.Batched("record reports", reports.Length);
                leases.ReportsSeen();
                return;
            }
            catch (Exception exception) when (DatabaseErrors.IsUnavailable(exception))
            {
                Log.Waiting(Logger, exception.GetBaseException().Message);
                leases.Interrupted();
                await Task.Delay(_pause, lost);
            }
            catch (Npgsql.PostgresException exception) when (batch.Count > 1)
            {
                Log.Splitting(Logger, batch.Count, exception.SqlState);
                foreach (var message in batch)
                {
                    await ApplyAsync([message], lost);
                }

                return;
            }
            catch (Npgsql.PostgresException exception)
            {
                await MoveToErrorsAsync(batch[0].Delivery, $"the database refused it ({exception.SqlState})", lost);
                return;
            }
        }
    }

    private void Applied(ReportOutcome outcome)
    {
        foreach (var ticket in outcome.Ended)
        {
            succeeded.Add(ticket);
            watch.Changed(ticket.TicketId);
        }

        if (outcome.HasErrors)
        {
            errors.Wake();
        }

        if (outcome.Late > 0)
        {
            Log.Late(Logger, outcome.Late);
            metrics.Late(outcome.Late);
        }

        open.Add(-outcome.Ended.Count);
        stops.Stop(outcome.Unwanted, repeatFor: TimeSpan.Zero);
        foreach (var end in outcome.Ends)
        {
            metrics.Ended(end);
            if (end.Status == TicketStatus.Succeeded)
            {
                runTimes.Of(end.Model).Add((int)end.Run.TotalMilliseconds);
            }
        }

        foreach (var (model, count) in outcome.Returned)
        {
            metrics.Retried(model, count);
            dispatcher.BacklogGrew(model);
        }

        foreach (var (model, count) in outcome.Left)
        {
            dispatcher.RoomGrew(model, count);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 11, Level = LogLevel.Warning, Message = "Reports wait for the database: {Reason}")]
        public static partial void Waiting(ILogger logger, string reason);

        [LoggerMessage(EventId = 12, Level = LogLevel.Warning, Message = "The database refused a batch of {Count} messages ({SqlState}); applying each by itself")]
        public static partial void Splitting(ILogger logger, int count, string sqlState);

        [LoggerMessage(EventId = 13, Level = LogLevel.Warning, Message = "{Count} results came too late to count")]
        public static partial void Late(ILogger logger, int count);
    }
}

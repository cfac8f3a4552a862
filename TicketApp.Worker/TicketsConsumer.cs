using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;
using TicketApp.Worker.Runs;

namespace TicketApp.Worker;

/// <summary>
/// Takes the tickets of the models that are served here, as many as each has slots, and runs them. Stopping finishes or returns
/// what is in progress.
/// </summary>
internal sealed partial class TicketsConsumer(
    IConnectionFactory factory,
    BrokerPublisher broker,
    Reporter reporter,
    ActiveRuns runs,
    RunEnds ends,
    ServedModels models,
    ModelRunners runners,
    CancellationListener notices,
    WorkerIdentity worker,
    IOptions<WorkerOptions> options,
    LoopProgress progress,
    ILogger<TicketsConsumer> logger) : BrokerConsumer(factory, "tickets", broker, progress, logger), IStopsInPhase
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _ageCheck = TimeSpan.FromSeconds(1);

    // A second more than a model gets to stop.
    private static readonly TimeSpan _handBackLimit = TimeSpan.FromSeconds(4);

    // A broker that works confirms reports, and the end of a connection, within milliseconds.
    private static readonly TimeSpan _brokerLimit = TimeSpan.FromSeconds(2);

    private volatile bool _isHandingBack;

    /// <summary>All steps of <see cref="StopAsync"/>, each of which has its own limit.</summary>
    public TimeSpan StopLimit => options.Value.DrainTimeout + _handBackLimit + 4 * _brokerLimit;

    // A message a slot: what is delivered runs at once, and what cannot run yet stays with the broker for other workers.
    // Only short runs share messages and may have to wait here for a slot.
    protected override IReadOnlyList<Consumption> Queues { get; } =
        [.. models.All.Select(served => new Consumption(
            QueueNames.TicketsOf(served.Model.Name),
            (ushort)Math.Min(ushort.MaxValue, served.Tickets),
            () => runs.CountOf(served.Model.Name) < served.Tickets,
            served.Warm))];

    /// <summary>Takes no more, gives the runs in progress their time, and hands back what is left.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        var isAnswered = await StopConsumingAsync();
        await UntilAsync(HaveEnded, options.Value.DrainTimeout, cancellationToken);
        if (!HaveEnded())
        {
            Run[] left = [.. runs.All.Where(run => !run.HasEnded)];
            _isHandingBack = true;
            Log.HandingBack(Logger, left.Length);
            foreach (var run in left)
            {
                // What a model does then may block, and others are not to wait for it.
                _ = Task.Run(run.Stop, CancellationToken.None);
            }

            await UntilAsync(HaveEnded, _handBackLimit, cancellationToken);
        }

        // A broker that hangs will not confirm reports either. Do not wait for it here: they go out without, before the connection is
        // taken for dead (Reporter).
        if (!isAnswered)
        {
            await base.StopAsync(new(canceled: true));
            return;
        }

        await UntilAsync(() => runs.Count == 0, _brokerLimit, cancellationToken);
        await StopStep.RunAsync($"connection of {Name}", _brokerLimit, () => base.StopAsync(cancellationToken), Logger);
    }

    protected override async Task WorkAsync(IConnection connection, Action working, CancellationToken lost)
    {
        // Before the first ticket: a notice that concerns it is heard.
        await using var control = await notices.ListenAsync(connection, lost);
        await base.WorkAsync(connection, working, lost);
    }

    protected override ValueTask OnDeliveryAsync(Delivery delivery, CancellationToken lost)
    {
        var elements = MessageReader.ReadTickets(delivery.Body);
        TicketMessage[] tickets = [.. elements.Select(element => element.Value).OfType<TicketMessage>()];
        if (!_isHandingBack && tickets.Length > 0 && tickets.Length == elements.Count && TryHold(delivery, tickets))
        {
            return ValueTask.CompletedTask;
        }

        PendingDelivery message = new(delivery, Math.Max(1, elements.Count));
        if (elements.Count == 0)
        {
            reporter.Acknowledge(message);
        }

        foreach (var element in elements)
        {
            if (element.Value is { } ticket)
            {
                Take(ticket, message);
            }
            else
            {
                _ = RefuseAsync(message, element, lost);
            }
        }

        return ValueTask.CompletedTask;
    }

    protected override Task WhileConsumingAsync(CancellationToken lost) =>
        Task.WhenAll(AcknowledgeHeldAsync(lost), notices.KeepBoundAsync(lost));

    /// <summary>
    /// Acknowledges what is held for long, before the broker takes it for forgotten. Its runs are known to run: their leases
    /// live by heartbeats and not by the message.
    /// </summary>
    private async Task AcknowledgeHeldAsync(CancellationToken lost)
    {
        using PeriodicTimer timer = new(_ageCheck);
        while (await timer.WaitForNextTickAsync(lost))
        {
            var held = runs.All
                .GroupBy(run => run.Message)
                .Where(message => message.Key.Age > options.Value.AcknowledgeAfter && message.All(run => run.IsReported));
            foreach (var message in held)
            {
                message.Key.Acknowledge();
            }
        }
    }

    /// <summary>
    /// The broker counts slots by the messages that are not acknowledged, and sends one too many for each run whose message is gone. Its
    /// tickets are returned at once, and the message is held in that run's place: then the broker's count is right again.
    /// </summary>
    private bool TryHold(Delivery delivery, TicketMessage[] tickets)
    {
        var model = tickets[0].Model;
        if (delivery.Redelivered
            || Queues.FirstOrDefault(queue => queue.Queue == delivery.Queue) is not { } queue
            || queue.HasCapacity()
            || !runs.TryHold(model, new(delivery, parts: 1)))
        {
            return false;
        }

        foreach (var ticket in tickets)
        {
            reporter.Report(Run.Report(ticket, ReportType.Returned, worker.Name));
        }

        return true;
    }

    private void Take(TicketMessage ticket, PendingDelivery message)
    {
        // If it is ours, from before a lost connection, its end acknowledges this message.
        if (runs.TryAdopt(new(ticket.TicketId, ticket.Epoch), message))
        {
            return;
        }

        if (message.Delivery.Redelivered)
        {
            // Somebody had it and may be gone, or not. The API decides, and dispatches it again under the next epoch.
            reporter.Report(Run.Report(ticket, ReportType.Redelivered, worker.Name), message);
            return;
        }

        if (_isHandingBack)
        {
            reporter.Report(Run.Report(ticket, ReportType.Returned, worker.Name), message);
            return;
        }

        Run run = new(ticket, message, options.Value.ExecutionTimeout);
        runs.Add(run);
        if (notices.Contains(run.Reference))
        {
            run.Stop();
        }

        if (!runners.TryTake(run, out var defect))
        {
            ends.Refused(run, defect.Type, defect.Message);
        }
    }

    private async Task RefuseAsync(PendingDelivery message, MessageElement<TicketMessage> element, CancellationToken lost)
    {
        try
        {
            await MoveToErrorsAsync(message.Delivery, element.Body, element.Defect!, lost);
            reporter.Acknowledge(message);
        }
        catch (OperationCanceledException)
        {
            // The broker delivers it again.
        }
    }

    private bool HaveEnded() => runs.All.All(run => run.HasEnded);

    private static async Task UntilAsync(Func<bool> isTrue, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(limit);
        while (!isTrue() && !timeout.IsCancellationRequested)
        {
            await Task.Delay(_pause, timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 11, Level = LogLevel.Information,
            Message = "Stopping: {Count} tickets did not finish in time and are returned")]
        public static partial void HandingBack(ILogger logger, int count);
    }
}

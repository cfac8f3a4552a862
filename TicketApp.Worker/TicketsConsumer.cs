using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using TicketApp.Contracts;
using TicketApp.Contracts.Broker;
using TicketApp.ServiceDefaults;
using TicketApp.Worker.Runs;

namespace TicketApp.Worker;

/// <summary>Takes the tickets of the models that are served here, as many as each has slots, and runs them. Stopping finishes or returns what is in hand.</summary>
internal sealed partial class TicketsConsumer(
    IConnectionFactory factory,
    BrokerPublisher broker,
    Reporter reporter,
    RunsInHand runs,
    RunEnds ends,
    ServedModels models,
    ModelRunners runners,
    StopNotices notices,
    WorkerIdentity worker,
    IOptions<WorkerOptions> options,
    LoopProgress progress,
    ILogger<TicketsConsumer> logger) : BrokerConsumer(factory, "tickets", broker, progress, logger)
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    // A message a slot: what is delivered runs at once, and what cannot run yet stays with the broker for other workers.
    // Only short runs share messages and may have to wait here for a slot.
    protected override IReadOnlyList<Consumption> Queues { get; } =
        [.. models.All.Select(served => new Consumption(
            QueueNames.TicketsOf(served.Model.Name), (ushort)Math.Min(ushort.MaxValue, served.Tickets), () => runs.CountOf(served.Model.Name) < served.Tickets, served.Warm))];

    /// <summary>Takes no more, gives the runs in hand their time, and hands back what is left.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await StopConsumingAsync();
        await UntilEmptyAsync(options.Value.DrainTimeout, cancellationToken);
        if (runs.All is { Count: > 0 } left)
        {
            Log.HandingBack(Logger, left.Count);
            foreach (var run in left)
            {
                run.Stop();
            }

            await UntilEmptyAsync(options.Value.DrainTimeout, cancellationToken);
        }

        await base.StopAsync(cancellationToken);
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
        MessageInHand message = new(delivery, Math.Max(1, elements.Count));
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

    private void Take(TicketMessage ticket, MessageInHand message)
    {
        // If it is ours, from before a lost connection, its end acknowledges this message.
        if (runs.TryAdopt(new(ticket.TicketId, ticket.Epoch), message))
        {
            return;
        }

        if (message.Delivery.Redelivered)
        {
            // Somebody had it and may be gone, or not. The Api decides, and releases it anew under the next epoch.
            reporter.Report(Run.Report(ticket, ReportType.Redelivered, worker.Name), message);
            return;
        }

        Run run = new(ticket, message, options.Value.RunLimit);
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

    private async Task RefuseAsync(MessageInHand message, MessageElement<TicketMessage> element, CancellationToken lost)
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

    private async Task UntilEmptyAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(limit);
        while (runs.Count > 0 && !timeout.IsCancellationRequested)
        {
            await Task.Delay(_pause, timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 11, Level = LogLevel.Information, Message = "Stopping: {Count} tickets did not finish in time and go back")]
        public static partial void HandingBack(ILogger logger, int count);
    }
}

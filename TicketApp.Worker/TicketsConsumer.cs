using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using TicketApp.Contracts;
using TicketApp.Contracts.Broker;
using TicketApp.Worker.Models;
using TicketApp.Worker.Runs;

namespace TicketApp.Worker;

/// <summary>Takes tickets from the broker, as many as there are slots, and runs each at once. Stopping finishes or returns what is in hand.</summary>
internal sealed partial class TicketsConsumer(
    IConnectionFactory factory,
    BrokerPublisher broker,
    Reporter reporter,
    RunsInHand runs,
    WorkerIdentity worker,
    IEnumerable<IModel> models,
    IOptions<WorkerOptions> options,
    ILogger<TicketsConsumer> logger) : BrokerConsumer(factory, QueueNames.Tickets, logger)
{
    private const int LongestErrorMessage = 1000;
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<string, IModel> _models = models.ToDictionary(model => model.Name);
    private readonly SemaphoreSlim _slots = new(options.Value.Concurrency);

    // One message a slot: what is delivered runs at once, and what cannot run yet stays with the broker for other workers.
    // Only short runs share messages and may have to wait here for a slot.
    protected override ushort Prefetch => (ushort)options.Value.Concurrency;

    protected override bool HasRoom => runs.Count < options.Value.Concurrency;

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
                run.HandBack();
            }

            await UntilEmptyAsync(options.Value.DrainTimeout, cancellationToken);
        }

        await base.StopAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _slots.Dispose();
        base.Dispose();
    }

    protected override ValueTask OnDeliveryAsync(Delivery delivery, CancellationToken lost)
    {
        if (!MessageReader.TryReadTickets(delivery.Body.Span, out var tickets, out var reason))
        {
            _ = MoveToErrorsAsync(delivery, reason, lost);
            return ValueTask.CompletedTask;
        }

        MessageInHand message = new(delivery, tickets.Count);
        foreach (var ticket in tickets)
        {
            Take(ticket, message);
        }

        if (tickets.Count == 0)
        {
            reporter.Acknowledge(new MessageInHand(delivery, tickets: 1));
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
        }
        else
        {
            // On a thread of its own for as long as it wants one: a model that blocks must not hold up deliveries.
            var run = runs.Add(ticket, message);
            _ = Task.Run(() => RunAsync(run), CancellationToken.None);
        }
    }

    private async Task RunAsync(Run run)
    {
        WorkerReport? report;
        try
        {
            await _slots.WaitAsync(run.Token);
            try
            {
                report = run.IsStale ? null : await RunModelAsync(run);
            }
            finally
            {
                _slots.Release();
            }
        }
        catch (OperationCanceledException) when (run.IsHandedBack)
        {
            report = run.Report(ReportType.Returned, worker.Name);
        }
        catch (OperationCanceledException) when (run.Token.IsCancellationRequested)
        {
            report = Failed(run, "execution_timeout", $"The run took longer than {run.Limit}");
        }
        catch (Exception exception)
        {
            Log.ModelFailed(Logger, exception, run.Ticket.TicketId, run.Ticket.Model);
            report = Failed(run, "model_error", exception.Message);
        }

        run.HasEnded = true;
        if (report is null)
        {
            reporter.Drop(run);
        }
        else
        {
            reporter.Report(report, run);
        }
    }

    private async Task<WorkerReport> RunModelAsync(Run run)
    {
        if (!_models.TryGetValue(run.Ticket.Model, out var model))
        {
            return Failed(run, "unknown_model", $"No such model here: {run.Ticket.Model}");
        }

        run.Start(LimitOf(run.Ticket));
        var response = await model.RunAsync(run.Ticket, run.Token);
        return run.Report(ReportType.Finished, worker.Name) with { Response = response };
    }

    private TimeSpan LimitOf(TicketMessage ticket) =>
        TimeSpan.FromSeconds(ticket.RunLimitSeconds) is var own && own > TimeSpan.Zero && own < options.Value.RunLimit ? own : options.Value.RunLimit;

    private WorkerReport Failed(Run run, string type, string message) => run.Report(ReportType.Failed, worker.Name) with
    {
        ErrorType = type,
        // A NUL would make the report unreadable for PostgreSQL.
        ErrorMessage = message[..Math.Min(message.Length, LongestErrorMessage)].Replace('\0', ' '),
    };

    private async Task UntilEmptyAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(limit);
        while (runs.Count > 0 && !timeout.IsCancellationRequested)
        {
            await Task.Delay(_pause, timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task MoveToErrorsAsync(Delivery delivery, string reason, CancellationToken lost)
    {
        Log.Unreadable(Logger, reason);
        while (!lost.IsCancellationRequested)
        {
            try
            {
                await broker.PublishUnreadableAsync(QueueNames.Tickets, delivery.Body, reason, lost);
                reporter.Acknowledge(new MessageInHand(delivery, tickets: 1));
                return;
            }
            catch (Exception exception) when (exception is BrokerUnavailableException or OperationCanceledException)
            {
                await Task.Delay(_pause, lost).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 11, Level = LogLevel.Information, Message = "Stopping: {Count} tickets did not finish in time and go back")]
        public static partial void HandingBack(ILogger logger, int count);

        [LoggerMessage(EventId = 12, Level = LogLevel.Error, Message = "A message in tickets could not be read and went to errors: {Reason}")]
        public static partial void Unreadable(ILogger logger, string reason);

        [LoggerMessage(EventId = 13, Level = LogLevel.Warning, Message = "Ticket {TicketId}: the model {Model} failed")]
        public static partial void ModelFailed(ILogger logger, Exception exception, Guid ticketId, string model);
    }
}

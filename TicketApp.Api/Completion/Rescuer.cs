using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Options;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.Messaging.Tracing;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Completion;

/// <summary>Ends tickets that ran out of time, and returns tickets whose worker is lost to the backlog. Every replica does both.</summary>
internal sealed partial class Rescuer(
    RescueStore store,
    LeaseClock leases,
    Dispatcher dispatcher,
    ErrorOutbox errors,
    OpenTickets open,
    TicketObservers observers,
    TicketMetrics metrics,
    IOptions<DispatchOptions> options,
    DatabaseMigrator migrator,
    LoopProgress progress,
    ILogger<Rescuer> logger) : DatabaseLoop("rescuing", migrator, progress, logger)
{
    // After an outage there may be work for minutes; the other steps do not wait for that.
    private static readonly TimeSpan _maxStep = TimeSpan.FromSeconds(1);

    private readonly GuardedBatch _due = new("end or queue tickets that are due", RescueStore.MaxBatch, logger);
    private readonly GuardedBatch _expired = new("return tickets", RescueStore.MaxBatch, logger);
    private bool _isUnfinished;

    /// <inheritdoc/>
    public override bool IsEssential => true;

    protected override TimeSpan PollInterval => _isUnfinished ? TimeSpan.Zero : options.Value.RescueInterval;

    // None of the steps waits for another that fails.
    protected override async Task WorkAsync(CancellationToken stoppingToken)
    {
        List<Exception> failures = [];
        _isUnfinished = false;
        await StepAsync(() =>
            UntilDoneAsync("end overdue tickets", _due, store.EndDueAsync, store.FirstDueAsync, Log.Ended, stoppingToken));
        // What keeps this from the database may keep reports from it too.
        await StepAsync(() => RescueExpiredAsync(stoppingToken), leases.Interrupted);
        if (failures.Count > 0)
        {
            ExceptionDispatchInfo.Throw(failures[0]);
        }

        async Task StepAsync(Func<Task> step, Action? onFailed = null)
        {
            try
            {
                await step();
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                failures.Add(exception);
                onFailed?.Invoke();
            }
        }
    }

    private async Task RescueExpiredAsync(CancellationToken cancellationToken)
    {
        if (!leases.Counts(out var extensionIsDue))
        {
            return;
        }

        if (extensionIsDue)
        {
            await store.ExtendLeasesAsync(cancellationToken);
            leases.Extended();
        }

        await UntilDoneAsync(
            "return expired tickets", _expired, RescueExpiredAsync, store.FirstExpiredAsync, Log.LeasesEnded, cancellationToken);
    }

    private async Task<IReadOnlyList<RescueOutcome>> RescueExpiredAsync(int limit, Guid[] leftOut, CancellationToken cancellationToken)
    {
        var outcomes = await store.RescueExpiredAsync(limit, leftOut, cancellationToken);
        foreach (var outcome in outcomes)
        {
            metrics.LeasesExpired(outcome.Model, outcome.Freed);
        }

        return outcomes;
    }

    private async Task UntilDoneAsync(
        string work,
        GuardedBatch batch,
        Func<int, Guid[], CancellationToken, Task<IReadOnlyList<RescueOutcome>>> rescue,
        Func<Guid[], CancellationToken, Task<Guid?>> findFirst,
        Action<ILogger, int, int> log,
        CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        int ended, requeued, limit;
        do
        {
            (var outcomes, limit) = await batch.RunAsync(
                RescueStore.MaxBatch,
                (most, leftOut) => rescue(most, leftOut, cancellationToken),
                leftOut => findFirst(leftOut, cancellationToken));
            (ended, requeued) = (outcomes.Sum(outcome => outcome.Ended), outcomes.Sum(outcome => outcome.Requeued));
            if (ended + requeued > 0)
            {
                // Which tickets it meets shows only when it has: the span tells their traces that it came by, not how long it took.
                TicketTrace.StartShared(work, outcomes.SelectMany(outcome => outcome.TraceParents))?.Dispose();
                log(Logger, ended, requeued);
            }

            if (ended > 0)
            {
                errors.Wake();
                open.Add(-ended);
            }

            foreach (var outcome in outcomes)
            {
                observers.Changed(outcome.Tickets);
                if (outcome.Requeued > 0)
                {
                    dispatcher.BacklogGrew(outcome.Model);
                }

                dispatcher.SlotsFreed(outcome.Model, outcome.Freed);
            }
        }
        while (ended + requeued == limit && Stopwatch.GetElapsedTime(started) < _maxStep);

        _isUnfinished |= ended + requeued == limit;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information,
            Message = "{Ended} tickets ran over their limit; {Requeued} wait for their next attempt")]
        public static partial void Ended(ILogger logger, int ended, int requeued);

        [LoggerMessage(EventId = 2, Level = LogLevel.Warning,
            Message = "Leases ended: {Ended} tickets had no attempt left, {Requeued} are returned to the backlog")]
        public static partial void LeasesEnded(ILogger logger, int ended, int requeued);
    }
}

using Microsoft.Extensions.Options;
using TicketApp.Api.Database;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Errors;
using TicketApp.Api.Telemetry;
using TicketApp.Api.Tickets;
using TicketApp.Contracts.Tracing;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Deadlines;

/// <summary>Ends tickets that ran out of time and takes back those whose worker is lost, whether or not anyone asks. Every replica sweeps.</summary>
internal sealed partial class Sweeper(
    SweepStore store,
    LeaseClock leases,
    Dispatcher dispatcher,
    ErrorOutbox errors,
    OpenTickets open,
    TicketMetrics metrics,
    IOptions<DispatchOptions> options,
    DatabaseMigrator migrator,
    LoopProgress progress,
    ILogger<Sweeper> logger) : DatabaseLoop("sweeping", migrator, progress, logger)
{
    private const int SweepsBetweenForgetting = 120;

    private int _round;

    protected override async Task WorkAsync(CancellationToken stoppingToken)
    {
        await SweepAsync(stoppingToken);
        if (_round++ % SweepsBetweenForgetting == 0)
        {
            await store.ForgetAsync(stoppingToken);
        }
    }

    protected override Task WaitAsync(CancellationToken stoppingToken) => Task.Delay(options.Value.Sweep, stoppingToken);

    protected override void OnFailed() => leases.Interrupted();

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        await UntilDoneAsync("end overdue tickets", store.SweepDueAsync, Log.Ended, cancellationToken);
        if (!leases.Counts(out var extensionIsDue))
        {
            return;
        }

        if (extensionIsDue)
        {
            await store.ExtendLeasesAsync(cancellationToken);
            leases.Extended();
        }

        await UntilDoneAsync("take back lost tickets", SweepLostAsync, Log.Lost, cancellationToken);
    }

    private async Task<IReadOnlyList<SweepOutcome>> SweepLostAsync(CancellationToken cancellationToken)
    {
        var outcomes = await store.SweepLostAsync(cancellationToken);
        foreach (var outcome in outcomes)
        {
            metrics.LeasesLost(outcome.Model, outcome.Freed);
        }

        return outcomes;
    }

    private async Task UntilDoneAsync(string work, Func<CancellationToken, Task<IReadOnlyList<SweepOutcome>>> sweep, Action<ILogger, int, int> log, CancellationToken cancellationToken)
    {
        int ended, requeued;
        do
        {
            var outcomes = await sweep(cancellationToken);
            (ended, requeued) = (outcomes.Sum(outcome => outcome.Ended), outcomes.Sum(outcome => outcome.Requeued));
            if (ended + requeued > 0)
            {
                // Which tickets it meets shows only when it has: the span tells their traces that it came by, not how long it took.
                TicketTrace.StartShared(work, outcomes.SelectMany(outcome => outcome.TraceParents))?.Dispose();
                log(logger, ended, requeued);
            }

            if (ended > 0)
            {
                errors.Wake();
                open.Add(-ended);
            }

            foreach (var outcome in outcomes)
            {
                if (outcome.Requeued > 0)
                {
                    dispatcher.BacklogGrew(outcome.Model);
                }

                dispatcher.RoomGrew(outcome.Model, outcome.Freed);
            }
        }
        while (ended + requeued == SweepStore.LargestBatch);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "{Ended} tickets ran over their limit; {Requeued} wait for their next attempt")]
        public static partial void Ended(ILogger logger, int ended, int requeued);

        [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "Leases ended: {Ended} tickets had no attempt left, {Requeued} go back to the backlog")]
        public static partial void Lost(ILogger logger, int ended, int requeued);
    }
}

using System.Runtime.ExceptionServices;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.Messaging.Tracing;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Completion;

/// <summary>
/// Applies what workers report: all that has arrived in one transaction, and only then acknowledges it. A report that the database refuses
/// for what is in it goes to errors by itself. While the database is at fault, reports are returned to the broker within seconds, and none
/// is taken until all statements would be accepted again.
/// </summary>
internal sealed partial class ReportApplier(
    PendingReports pending,
    BrokerPublisher broker,
    ReportStore store,
    LeaseClock leases,
    ReportEffects effects,
    TicketMetrics metrics,
    DatabaseMigrator migrator,
    LoopProgress progress,
    ILogger<ReportApplier> logger) : DatabaseLoop("record reports", migrator, progress, logger)
{
    private const int MaxReports = 1000;

    // Of responses and texts in one statement, in characters.
    private const int MaxCharacters = 4_000_000;

    // What fails alone while others do not is kept; of more than these, the database is to blame after all.
    private const int MaxDeferred = 100;
    private const int FailuresBeforeIsolation = 3;
    private const int MaxFailuresInIsolation = 5;
    private const long DeferredMilliseconds = 10_000;

    // A restart of the server, or a connection that broke; well under a lease.
    private static readonly TimeSpan _maxHold = TimeSpan.FromSeconds(3);

    private readonly List<PendingReport> _reports = [];
    private int _maxReports = MaxReports;
    private int _failures;
    private long _failingSince;

    /// <inheritdoc/>
    public override bool IsEssential => true;

    protected override async Task WaitAsync(CancellationToken stoppingToken)
    {
        if (!pending.IsOpen)
        {
            return;
        }

        if (_reports.Count == 0)
        {
            await pending.Reader.WaitToReadAsync(stoppingToken);
            return;
        }

        // Deferred ones are looked at now and then.
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        wait.CancelAfter(TimeSpan.FromSeconds(1));
        await ((Task)pending.Reader.WaitToReadAsync(wait.Token).AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stoppingToken.ThrowIfCancellationRequested();
    }

    protected override async Task WorkAsync(CancellationToken stoppingToken)
    {
        if (!pending.IsOpen)
        {
            await store.CheckAsync(stoppingToken);
            pending.Open();
            return;
        }

        Take();
        try
        {
            foreach (var chunk in Chunks())
            {
                await ApplyAsync(chunk, isIsolating: _failures >= FailuresBeforeIsolation, stoppingToken);
            }
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
        {
            await NoteFailureAsync(exception, stoppingToken);
            throw;
        }

        var failure = await MoveToErrorsAsync(stoppingToken);
        var applied = _reports.RemoveAll(report => report.IsDone);
        if (_reports.Count > MaxDeferred)
        {
            ReturnToBroker();
        }

        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        await BatchLinger.AfterAsync(applied);
    }

    /// <summary>Takes what has arrived, as much as one statement may have.</summary>
    private void Take()
    {
        // Of a lost connection: the broker delivers it again.
        _reports.RemoveAll(report => report.IsDone || report.Message.Delivery.IsLost);
        var characters = _reports.Sum(report => report.Size);
        while (_reports.Count < MaxReports && characters < MaxCharacters && pending.Reader.TryRead(out var delivery))
        {
            if (delivery.IsLost)
            {
                continue;
            }

            var elements = MessageReader.ReadReports(delivery.Body);
            PendingDelivery message = new(delivery, elements.Count);
            if (elements.Count == 0)
            {
                message.Acknowledge();
            }

            foreach (var element in elements)
            {
                PendingReport report = new(message, element);
                _reports.Add(report);
                characters += report.Size;
            }
        }
    }

    private PendingReport[][] Chunks()
    {
        var now = Environment.TickCount64;
        return [.. _reports.Where(report => report is { Defect: null, IsDone: false } && report.NotBefore <= now).Chunk(_maxReports)];
    }

    /// <summary>Applies reports; where their data is at fault, by halves until each culprit is alone.</summary>
    /// <param name="reports">Those to apply.</param>
    /// <param name="isIsolating">
    /// Whether to look for a culprit too where the database seems to be at fault: it is there, and these fail again and again.
    /// </param>
    /// <param name="cancellationToken">The process stops.</param>
    private async Task ApplyAsync(PendingReport[] reports, bool isIsolating, CancellationToken cancellationToken)
    {
        try
        {
            using var span = TicketTrace.StartShared(Name, reports.Select(report => report.Report!.TraceParent));
            var outcome = await store.ApplyAsync([.. reports.Select(report => report.Report!)], cancellationToken);
            if (outcome.Late > 0)
            {
                Log.Late(Logger, outcome.Late);
            }

            effects.Follow(outcome);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && (DatabaseErrors.IsDatas(exception) || isIsolating))
        {
            if (reports.Length > 1)
            {
                var half = reports.Length / 2;
                await ApplyAsync(reports[..half], isIsolating, cancellationToken);
                await ApplyAsync(reports[half..], isIsolating, cancellationToken);
            }
            else if (DatabaseErrors.IsDatas(exception))
            {
                reports[0].Defect = $"the database refused it: {exception.GetBaseException().Message}";
            }
            else if (++_failures > FailuresBeforeIsolation + MaxFailuresInIsolation)
            {
                throw;
            }
            else
            {
                reports[0].NotBefore = Environment.TickCount64 + DeferredMilliseconds;
                Log.Deferred(Logger, exception, reports[0].Report!.TicketId, DeferredMilliseconds / 1000);
            }

            return;
        }

        metrics.Batched(Name, reports.Length);
        foreach (var report in reports)
        {
            // Only this tells how long reports take: one that waited for long may be of a worker that is gone.
            if (report.Report!.Type == ReportType.Probe)
            {
                leases.ProbeSeen(report.Message.Delivery.Arrived);
            }

            report.Complete();
        }

        (_failures, _failingSince) = (0, 0);
        _maxReports = Math.Min(MaxReports, _maxReports * 2);
    }

    private async Task NoteFailureAsync(Exception exception, CancellationToken cancellationToken)
    {
        leases.Interrupted();
        _failingSince = _failingSince == 0 ? Environment.TickCount64 : _failingSince;
        if (DatabaseErrors.IsTimeout(exception))
        {
            _maxReports = Math.Max(1, _maxReports / 2);
        }

        // With the database there, these reports are looked at one by one next time; without it, they are not kept for long.
        if (++_failures >= FailuresBeforeIsolation && !await IsAcceptingAsync(cancellationToken))
        {
            _failures = 0;
        }

        if (Environment.TickCount64 - _failingSince > _maxHold.TotalMilliseconds)
        {
            ReturnToBroker();
        }
    }

    private async Task<bool> IsAcceptingAsync(CancellationToken cancellationToken)
    {
        try
        {
            await store.CheckAsync(cancellationToken);
            return true;
        }
        catch (Exception exception) when (DatabaseErrors.IsUnavailable(exception))
        {
            return false;
        }
    }

    private void ReturnToBroker()
    {
        (_failures, _failingSince) = (0, 0);
        _reports.Clear();
        pending.Close();
    }

    /// <summary>
    /// Moves reports that cannot be applied to errors, each by itself. Those that are not taken there are tried again later.
    /// </summary>
    /// <returns>Why one was not taken; null if all were.</returns>
    private async Task<Exception?> MoveToErrorsAsync(CancellationToken cancellationToken)
    {
        var now = Environment.TickCount64;
        PendingReport[] bad =
            [.. _reports.Where(report => report is { Defect: not null, IsDone: false } && report.NotBefore <= now)];
        try
        {
            foreach (var report in bad)
            {
                await broker.PublishUnreadableAsync(QueueNames.Responses, report.Body, report.Defect!, cancellationToken);
                Log.Refused(Logger, report.Defect!);
                report.Complete();
            }

            return null;
        }
        catch (BrokerUnavailableException exception)
        {
            foreach (var report in bad.Where(report => !report.IsDone))
            {
                report.NotBefore = now + DeferredMilliseconds;
            }

            return exception;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Error, Message = "A report cannot be applied and goes to errors: {Reason}")]
        public static partial void Refused(ILogger logger, string reason);

        [LoggerMessage(EventId = 2, Level = LogLevel.Error,
            Message = "A report about ticket {TicketId} fails alone and is tried again in {Seconds} s; the others continue")]
        public static partial void Deferred(ILogger logger, Exception exception, Guid ticketId, long seconds);

        [LoggerMessage(EventId = 3, Level = LogLevel.Warning, Message = "{Count} results came too late to count")]
        public static partial void Late(ILogger logger, int count);
    }
}

using System.Diagnostics;
using TicketApp.Messaging;
using TicketApp.Messaging.Broker;
using TicketApp.Messaging.Tracing;
using TicketApp.Worker.Models;

namespace TicketApp.Worker.Runs;

/// <summary>A ticket in progress, from its delivery until its end is safely reported.</summary>
internal sealed class Run : IDisposable
{
    /// <summary>What a model gets to end in peace once its token is cancelled.</summary>
    public static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(3);

    private readonly long _delivered = Stopwatch.GetTimestamp();
    private readonly ActivityContext _delivery = Activity.Current?.Context ?? default;
    private readonly CancellationTokenSource _cancellation = new();
    private readonly CancellationTokenSource _abandonment = new();
    private long _started;
    private int _isStopped;
    private int _hasEnded;
    private Activity? _span;

    /// <param name="ticket">The ticket.</param>
    /// <param name="message">The message that brought it.</param>
    /// <param name="limit">How long it may run, unless the ticket says less.</param>
    public Run(TicketMessage ticket, PendingDelivery message, TimeSpan limit)
    {
        (Ticket, Message) = (ticket, message);
        Limit = ticket.ExecutionTimeoutSeconds is > 0 and var own && own < limit.TotalSeconds ? TimeSpan.FromSeconds(own) : limit;
        (Token, Abandoned) = (_cancellation.Token, _abandonment.Token);
    }

    public TicketMessage Ticket { get; }

    public RunReference Reference => new(Ticket.TicketId, Ticket.Epoch);

    /// <summary>How long it may run.</summary>
    public TimeSpan Limit { get; }

    /// <summary>The message to acknowledge; another one once the broker has delivered it again after a lost connection.</summary>
    public PendingDelivery Message { get; set; }

    /// <summary>What its model has said of how far it is.</summary>
    public RunProgress Progress { get; } = new();

    /// <summary>Whether a slot was free for it.</summary>
    public bool HasStarted => Volatile.Read(ref _started) != 0;

    /// <summary>Whether it waited for a slot for so long that its lease may have ended.</summary>
    public bool IsStale => Ticket.StartWithinSeconds > 0 && Stopwatch.GetElapsedTime(_delivered).TotalSeconds > Ticket.StartWithinSeconds;

    /// <summary>Whether "started" was reported, so that its lease lives by heartbeats.</summary>
    public bool IsReported { get; set; }

    /// <summary>Whether its end was decided.</summary>
    public bool HasEnded => Volatile.Read(ref _hasEnded) == 1;

    /// <summary>How long it has run.</summary>
    public TimeSpan Elapsed => HasStarted ? Stopwatch.GetElapsedTime(_started) : TimeSpan.Zero;

    /// <summary>Cancelled when its time is over, or it is told to stop.</summary>
    public CancellationToken Token { get; }

    /// <summary>Cancelled seconds later: it has not listened.</summary>
    public CancellationToken Abandoned { get; }

    /// <summary>Whether it was told to stop before its time was over: its worker stops, or its ticket is not wanted any more.</summary>
    public bool IsStopped => Volatile.Read(ref _isStopped) == 1;

    /// <summary>It has a slot now, and its time begins.</summary>
    public void Start()
    {
        _span = TicketTrace.Start("run ticket", Ticket.TraceParent, _delivery)?
            .SetTag(TicketTrace.TicketIdTag, Ticket.TicketId.ToString())
            .SetTag("ticketapp.model", Ticket.Model)
            .SetTag("ticketapp.attempt", Ticket.Attempt);
        Volatile.Write(ref _started, Stopwatch.GetTimestamp());
        // Each by its own clock: what the model does when its token is cancelled may block.
        _abandonment.CancelAfter(Limit + StopGrace);
        _cancellation.CancelAfter(Limit);
    }

    /// <summary>Tells it to stop.</summary>
    /// <returns>Whether it was not told before.</returns>
    public bool Stop()
    {
        if (Token.IsCancellationRequested || Interlocked.Exchange(ref _isStopped, 1) == 1)
        {
            return false;
        }

        try
        {
            // Counted from now: what the model does when its token is cancelled may block.
            _abandonment.CancelAfter(StopGrace);
            _cancellation.Cancel();
        }
        catch (Exception exception) when (exception is ObjectDisposedException or AggregateException)
        {
            // It ended by itself in the meantime, or what the model does then has failed: the run has been told.
        }

        return true;
    }

    /// <summary>Decides its end.</summary>
    /// <param name="errorType">A word for what went wrong; null if nothing did.</param>
    /// <returns>Whether this call did; another one has come first otherwise.</returns>
    public bool TryEnd(string? errorType = null)
    {
        if (Interlocked.Exchange(ref _hasEnded, 1) == 1)
        {
            return false;
        }

        if (errorType is not null)
        {
            _span?.SetTag("error.type", errorType).SetStatus(ActivityStatusCode.Error);
        }

        // Ended here and not by leaving the model: one that ignores its time would keep the span open.
        _span?.Stop();
        return true;
    }

    /// <summary>The run as its model sees it.</summary>
    public ModelRun ForModel() => new(Ticket.TicketId, Ticket.Input, Ticket.Attempt, Progress)
    {
        Ends = DateTimeOffset.UtcNow + Limit,
        Deadline = Ticket.Deadline,
    };

    /// <summary>A report about <paramref name="ticket"/> under the epoch it came with.</summary>
    public static WorkerReport Report(TicketMessage ticket, ReportType type, string worker) => new()
    {
        Type = type,
        Worker = worker,
        TicketId = ticket.TicketId,
        UserId = ticket.UserId,
        Epoch = ticket.Epoch,
        TraceParent = ticket.TraceParent,
    };

    public WorkerReport Report(ReportType type, string worker) =>
        Report(Ticket, type, worker) with
        {
            RunMilliseconds = (int)Math.Min(int.MaxValue, Elapsed.TotalMilliseconds),
            // The span of a run that continues is not told about until it ends, and never if its process is killed: nothing may hang on it.
            TraceParent = type is ReportType.Started or ReportType.Progress ? Ticket.TraceParent : _span?.Id ?? Ticket.TraceParent,
        };

    public void Dispose()
    {
        _cancellation.Dispose();
        _abandonment.Dispose();
    }
}

using System.Diagnostics;
using TicketApp.Contracts;

namespace TicketApp.Worker.Runs;

/// <summary>A ticket in hand, from its delivery until its end is safely reported.</summary>
internal sealed class Run(TicketMessage ticket, MessageInHand message) : IDisposable
{
    private readonly long _delivered = Stopwatch.GetTimestamp();
    private readonly CancellationTokenSource _cancellation = new();
    private long _started;
    private int _isHandedBack;

    public TicketMessage Ticket { get; } = ticket;

    public RunReference Reference => new(Ticket.TicketId, Ticket.Epoch);

    /// <summary>The message to acknowledge; another one once the broker has delivered it again after a lost connection.</summary>
    public MessageInHand Message { get; set; } = message;

    /// <summary>Whether a slot was free for it.</summary>
    public bool HasStarted => Volatile.Read(ref _started) != 0;

    /// <summary>Whether it waited for a slot for so long that its lease may have ended.</summary>
    public bool IsStale => Ticket.StartWithinSeconds > 0 && Stopwatch.GetElapsedTime(_delivered).TotalSeconds > Ticket.StartWithinSeconds;

    /// <summary>Whether "started" was reported, so that its lease lives by heartbeats.</summary>
    public bool IsReported { get; set; }

    /// <summary>Whether the model has ended.</summary>
    public bool HasEnded { get; set; }

    /// <summary>How long it has run.</summary>
    public TimeSpan Elapsed => HasStarted ? Stopwatch.GetElapsedTime(_started) : TimeSpan.Zero;

    /// <summary>How long it may run; set once it has started.</summary>
    public TimeSpan Limit { get; private set; }

    public CancellationToken Token => _cancellation.Token;

    /// <summary>Whether it was stopped to be handed back, not for its own time.</summary>
    public bool IsHandedBack => Volatile.Read(ref _isHandedBack) == 1;

    /// <summary>It has a slot now; <paramref name="limit"/> is how long it may run.</summary>
    public void Start(TimeSpan limit)
    {
        Limit = limit;
        Volatile.Write(ref _started, Stopwatch.GetTimestamp());
        _cancellation.CancelAfter(limit);
    }

    public void HandBack()
    {
        Volatile.Write(ref _isHandedBack, 1);
        try
        {
            _cancellation.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It ended by itself in the meantime.
        }
    }

    /// <summary>A report about <paramref name="ticket"/> under the epoch it came with.</summary>
    public static WorkerReport Report(TicketMessage ticket, ReportType type, string worker) => new()
    {
        Type = type,
        Worker = worker,
        TicketId = ticket.TicketId,
        UserId = ticket.UserId,
        Epoch = ticket.Epoch,
    };

    public WorkerReport Report(ReportType type, string worker) =>
        Report(Ticket, type, worker) with { RunMilliseconds = (int)Math.Min(int.MaxValue, Elapsed.TotalMilliseconds) };

    public void Dispose() => _cancellation.Dispose();
}

using System.Diagnostics;
using TicketApp.Contracts;
using TicketApp.Contracts.Broker;

namespace TicketApp.Worker.Runs;

/// <summary>A ticket in hand, from its delivery until its end is safely reported.</summary>
internal sealed class Run(TicketMessage ticket, Delivery delivery) : IDisposable
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly CancellationTokenSource _cancellation = new();
    private int _isHandedBack;

    public TicketMessage Ticket { get; } = ticket;

    public RunReference Reference => new(Ticket.TicketId, Ticket.Epoch);

    /// <summary>The message to acknowledge; a new one once the broker has delivered it again after a lost connection.</summary>
    public Delivery Delivery { get; set; } = delivery;

    /// <summary>Whether "started" was reported, so that its lease lives by heartbeats.</summary>
    public bool IsReported { get; set; }

    /// <summary>Whether the model has ended.</summary>
    public bool HasEnded { get; set; }

    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);

    public CancellationToken Token => _cancellation.Token;

    /// <summary>Whether it was stopped to be handed back, not for its own time.</summary>
    public bool IsHandedBack => Volatile.Read(ref _isHandedBack) == 1;

    public void LimitTo(TimeSpan limit) => _cancellation.CancelAfter(limit);

    public void HandBack()
    {
        Volatile.Write(ref _isHandedBack, 1);
        _cancellation.Cancel();
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

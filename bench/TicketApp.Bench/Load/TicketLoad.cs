using System.Diagnostics;

namespace TicketApp.Bench.Load;

/// <summary>
/// Which tickets are created and when, and what became of them. Closed loop: each caller creates the next ticket when its last one
/// has ended, so the load follows what the system can do. Open loop: at a fixed rate, whatever the system does, with latency from
/// the scheduled time: a stall delays all that were due in it, and none of that is left out.
/// </summary>
internal sealed class TicketLoad
{
    // Threads and connections take a moment: the first ticket is due only then.
    private static readonly TimeSpan _leadTime = TimeSpan.FromMilliseconds(20);

    private readonly Dictionary<string, TicketAnswer> _ended = [];
    private readonly Dictionary<Guid, DateTime> _accepted = [];
    private readonly long _start = Stopwatch.GetTimestamp() + (long)(_leadTime.TotalSeconds * Stopwatch.Frequency);
    private readonly DateTime _startTime = DateTime.UtcNow + _leadTime;
    private int _next;

    /// <summary>How many tickets.</summary>
    public required int Tickets { get; init; }

    /// <summary>Tickets per second of an open loop; null: a closed loop.</summary>
    public double? Rate { get; init; }

    /// <summary>When callers ask for answers; null: never, a ticket only has to be accepted.</summary>
    public PollPolicy? Polling { get; init; } = PollPolicy.Doubling;

    /// <summary>After which no ticket is created; null: all are.</summary>
    public TimeSpan? Limit { get; init; }

    /// <summary>A ticket that is open for longer counts as lost.</summary>
    public TimeSpan Deadline { get; } = TimeSpan.FromSeconds(60);

    /// <summary>To the answer of <c>POST /ticket</c>: from sending it, or from the scheduled time in an open loop.</summary>
    public Latencies Accept { get; } = new();

    /// <summary>To the answer of the <c>GET /ticket</c> that finds the ticket ended.</summary>
    public Latencies EndToEnd { get; } = new();

    /// <summary>From the scheduled time to the sending: how late the driver itself was.</summary>
    public Latencies Driver { get; } = new();

    /// <summary>Answers of the tickets that ended.</summary>
    public IReadOnlyDictionary<string, TicketAnswer> Ended => _ended;

    /// <summary>When each accepted ticket was scheduled, on the wall clock.</summary>
    public IReadOnlyDictionary<Guid, DateTime> Accepted => _accepted;

    /// <summary>Tickets that were accepted and did not end before the deadline.</summary>
    public int Lost { get; private set; }

    /// <summary>Requests for a ticket that were answered 5xx.</summary>
    public int Refused { get; private set; }

    public long Requests { get; private set; }

    public TimeSpan Duration { get; private set; }

    public double TicketsPerSecond => _ended.Count / Duration.TotalSeconds;

    /// <summary>Takes the next ticket.</summary>
    /// <returns>When it is due; null if none is left.</returns>
    public long? Take()
    {
        if (_next >= Tickets || Limit < Stopwatch.GetElapsedTime(_start))
        {
            return null;
        }

        var number = _next++;
        return Rate is { } rate ? _start + (long)(number / rate * Stopwatch.Frequency) : Stopwatch.GetTimestamp();
    }

    public void OnSent(long due, bool isTicket)
    {
        Requests++;
        if (isTicket)
        {
            Driver.Add(Stopwatch.GetElapsedTime(due));
        }
    }

    public void OnAccepted(string ticket, long due)
    {
        Accept.Add(Stopwatch.GetElapsedTime(due));
        _accepted[Guid.Parse(ticket)] = _startTime + Stopwatch.GetElapsedTime(_start, due);
        Duration = Stopwatch.GetElapsedTime(_start);
    }

    public void OnEnded(string ticket, long due, TicketAnswer answer)
    {
        EndToEnd.Add(Stopwatch.GetElapsedTime(due));
        _ended[ticket] = answer;
        Duration = Stopwatch.GetElapsedTime(_start);
    }

    public void OnLost() => Lost++;

    public void OnRefused() => Refused++;
}

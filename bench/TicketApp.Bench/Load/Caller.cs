using System.Diagnostics;
using System.Net;

namespace TicketApp.Bench.Load;

/// <summary>What one connection does: one request after the other, each when it is due.</summary>
internal abstract class Caller(HttpConnection connection)
{
    public HttpConnection Connection { get; } = connection;

    /// <summary>When the next request is to be sent, as a <see cref="Stopwatch"/> timestamp.</summary>
    public long Due { get; private set; }

    /// <summary>Whether an answer is being waited for.</summary>
    public bool IsWaiting { get; private set; }

    /// <summary>Whether there is nothing more to do.</summary>
    public bool HasEnded { get; private set; }

    public void Send()
    {
        IsWaiting = true;
        Connection.Send(NextRequest());
    }

    /// <summary>Reads what has come, and continues once the answer is complete.</summary>
    public void Receive()
    {
        if (Connection.TryReceive(out var status, out var body))
        {
            IsWaiting = false;
            OnAnswer(status, body);
        }
    }

    /// <summary>The request that is due now.</summary>
    protected abstract byte[] NextRequest();

    /// <summary>Takes an answer; says when the next request is due, or that none is.</summary>
    protected abstract void OnAnswer(HttpStatusCode status, ReadOnlySpan<byte> body);

    protected void DueAt(long timestamp) => Due = timestamp;

    protected void DueIn(TimeSpan pause) => Due = Stopwatch.GetTimestamp() + (long)(pause.TotalSeconds * Stopwatch.Frequency);

    protected void End() => HasEnded = true;
}

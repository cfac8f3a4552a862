using System.Net;

namespace TicketApp.Bench.Load;

/// <summary>Sends given requests one after the other, over and over, as fast as they are answered.</summary>
internal sealed class RepeatingCaller(HttpConnection connection, byte[][] requests, Func<bool> isOver) : Caller(connection)
{
    private int _next;

    /// <summary>How many were answered 200.</summary>
    public long Answered { get; private set; }

    protected override byte[] NextRequest() => requests[_next++ % requests.Length];

    protected override void OnAnswer(HttpStatusCode status, ReadOnlySpan<byte> body)
    {
        if (status != HttpStatusCode.OK)
        {
            throw new HttpRequestException($"An answer of {status} where 200 was expected.");
        }

        Answered++;
        if (isOver())
        {
            End();
        }
    }
}

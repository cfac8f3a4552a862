using System.Diagnostics;

namespace TicketApp.Bench.Load;

/// <summary>Connections to any server, which send given requests as fast as they are answered.</summary>
internal sealed class HttpLoad(Uri address, int connections) : IDisposable
{
    private readonly HttpConnection[] _connections = [.. Enumerable.Range(0, connections).Select(_ => new HttpConnection(address))];

    /// <returns>Answers per second.</returns>
    public async Task<double> RepeatAsync(byte[][] requests, TimeSpan time, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        RepeatingCaller[] callers =
        [
            .. _connections.Select(connection =>
                new RepeatingCaller(connection, requests, () => Stopwatch.GetElapsedTime(started) > time)),
        ];
        await CallerLoop.RunAsync(callers, cancellationToken);
        return callers.Sum(caller => caller.Answered) / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    public void Dispose() => Array.ForEach(_connections, connection => connection.Dispose());
}

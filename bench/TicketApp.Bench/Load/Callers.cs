using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;

namespace TicketApp.Bench.Load;

/// <summary>Connections to one system, spread over its replicas, and users whose tickets they create.</summary>
internal sealed class Callers : IDisposable
{
    private const int UserCount = 100;

    private readonly Uri _address; // in the header Host, whichever replica it goes to
    private readonly HttpConnection[] _connections;
    private readonly byte[][] _creations;

    public Callers(IReadOnlyList<Uri> addresses, int count)
    {
        _address = addresses[0];
        _connections = [.. Enumerable.Range(0, count).Select(number => new HttpConnection(addresses[number % addresses.Count]))];
        _creations = [.. Enumerable.Range(0, UserCount)
            .Select(_ => HttpConnection.Request(_address, "/ticket", $$"""{"user_id":"{{CreateUser()}}"}"""))];
    }

    /// <summary>Sees a load through.</summary>
    public Task RunAsync(TicketLoad load, CancellationToken cancellationToken) =>
        CallerLoop.RunAsync(
            [.. _connections.Select(connection => new TicketCaller(load, _address, _creations, connection))], cancellationToken);

    /// <summary>Asks for every ended ticket of a load once more.</summary>
    /// <returns>How many answered differently.</returns>
    public int CountChanged(TicketLoad load)
    {
        var changed = 0;
        ConcurrentQueue<KeyValuePair<string, TicketAnswer>> left = new(load.Ended);
        // One at a time on each connection; a read costs little, and nothing is measured here.
        Parallel.ForEach(_connections, new ParallelOptions { MaxDegreeOfParallelism = 8 }, connection =>
        {
            while (left.TryDequeue(out var ended))
            {
                var (status, body) = connection.Exchange(HttpConnection.Request(_address, $"/ticket?ticket_id={ended.Key}", null));
                if (ended.Value != new TicketAnswer(status, body))
                {
                    Interlocked.Increment(ref changed);
                }
            }
        });
        return changed;
    }

    public void Dispose() => Array.ForEach(_connections, connection => connection.Dispose());

    private string CreateUser()
    {
        var (status, body) = _connections[0].Exchange(HttpConnection.Request(_address, "/user", ""));
        using var answer = status == HttpStatusCode.OK
            ? JsonDocument.Parse(Encoding.UTF8.GetBytes(body))
            : throw new HttpRequestException($"POST /user: {status}");
        return answer.RootElement.GetProperty("user_id").GetString()!;
    }
}

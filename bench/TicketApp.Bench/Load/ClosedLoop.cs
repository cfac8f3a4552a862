using System.Collections.Concurrent;
using System.Diagnostics;

namespace TicketApp.Bench.Load;

/// <summary>
/// So many callers, each with a connection of its own: create a ticket, ask until it has ended, create the next.
/// The load follows what the system can do, so it measures throughput; for latency there is the open loop.
/// </summary>
internal sealed class ClosedLoop(TicketClient client, byte[][] users, int callers)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<string, TicketAnswer> _ended = new();
    private readonly Latencies _accept = new();
    private readonly Latencies _endToEnd = new();
    private int _left;
    private int _lost;
    private int _refused;

    /// <summary>Runs <paramref name="tickets"/> tickets to their ends.</summary>
    public async Task<ClosedLoopResult> RunAsync(int tickets, CancellationToken cancellationToken)
    {
        _left = tickets;
        var requests = client.Requests;
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(() => CallAsync(cancellationToken), cancellationToken)));
        return new()
        {
            Duration = Stopwatch.GetElapsedTime(started),
            Ended = _ended,
            Lost = _lost,
            Refused = _refused,
            Accept = _accept,
            EndToEnd = _endToEnd,
            Requests = client.Requests - requests,
        };
    }

    /// <summary>Asks for every ended ticket once more.</summary>
    /// <returns>How many answered differently.</returns>
    public async Task<int> CountChangedAsync(CancellationToken cancellationToken)
    {
        var changed = 0;
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = callers, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(_ended, parallel, async (ended, token) =>
        {
            if (await client.GetTicketAsync(ended.Key, token) != ended.Value)
            {
                Interlocked.Increment(ref changed);
            }
        });
        return changed;
    }

    private async Task CallAsync(CancellationToken cancellationToken)
    {
        while (Interlocked.Decrement(ref _left) >= 0)
        {
            var sent = Stopwatch.GetTimestamp();
            if (await client.CreateTicketAsync(users[Random.Shared.Next(users.Length)], cancellationToken) is not { } ticket)
            {
                Interlocked.Increment(ref _refused);
                await Task.Delay(PollPolicy.Doubling.Longest, cancellationToken);
                continue;
            }

            _accept.Add(Stopwatch.GetElapsedTime(sent));
            if (await client.WaitForEndAsync(ticket, PollPolicy.Doubling, Deadline, cancellationToken) is { } answer)
            {
                _endToEnd.Add(Stopwatch.GetElapsedTime(sent));
                _ended[ticket] = answer;
            }
            else
            {
                Interlocked.Increment(ref _lost);
            }
        }
    }
}

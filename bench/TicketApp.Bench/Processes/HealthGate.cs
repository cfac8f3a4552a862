using System.Diagnostics;

namespace TicketApp.Bench.Processes;

/// <summary>Waits until a process says that it is healthy.</summary>
internal static class HealthGate
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(5);

    /// <returns>How long it took from the call.</returns>
    public static async Task<TimeSpan> WaitAsync(ChildProcess process, Uri url, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        using HttpClient client = new();
        while (Stopwatch.GetElapsedTime(started) < _limit)
        {
            try
            {
                using var answer = await client.GetAsync(url, cancellationToken);
                if (answer.IsSuccessStatusCode)
                {
                    return Stopwatch.GetElapsedTime(started);
                }
            }
            catch (HttpRequestException) when (!process.HasEnded)
            {
                // Not listening yet.
            }

            await Task.Delay(_pause, cancellationToken);
        }

        throw new TimeoutException($"{process.Name} was not healthy within {_limit.TotalSeconds} s; see its log.");
    }
}

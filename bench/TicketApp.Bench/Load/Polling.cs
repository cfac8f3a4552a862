using System.Diagnostics;

namespace TicketApp.Bench.Load;

internal static class Polling
{
    /// <summary>Asks for a ticket until it has ended.</summary>
    /// <returns>The answer; null if it was still open after <paramref name="deadline"/>.</returns>
    public static async Task<TicketAnswer?> WaitForEndAsync(
        this TicketClient client, string ticket, PollPolicy policy, TimeSpan deadline, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        for (var pause = policy.First; Stopwatch.GetElapsedTime(started) < deadline; pause = policy.Next(pause))
        {
            await Task.Delay(pause, cancellationToken);
            var answer = await client.GetTicketAsync(ticket, cancellationToken);
            if (!answer.IsOpen)
            {
                return answer;
            }
        }

        return null;
    }
}

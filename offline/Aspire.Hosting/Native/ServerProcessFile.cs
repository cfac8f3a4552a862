using System.Globalization;

namespace Aspire.Hosting.Native;

/// <summary>
/// Remembers the process that last used a data directory. After a SIGKILL of the AppHost its server takes a moment to stop, and
/// the next start has to wait for that, but not for an unrelated process that got the same id later.
/// </summary>
internal sealed class ServerProcessFile(string dataDirectory)
{
    private readonly string _path = $"{dataDirectory}.pid";

    public void Write(int processId)
    {
        if (StartTime(processId) is { } startTime)
        {
            File.WriteAllText(_path, string.Create(CultureInfo.InvariantCulture, $"{processId} {startTime}"));
        }
    }

    /// <exception cref="DistributedApplicationException">It is still there after the time that a guard gives it, and more.</exception>
    public async Task WaitUntilGoneAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(_path) || File.ReadAllText(_path).Split(' ') is not [var id, var startTime])
        {
            return;
        }

        var processId = int.Parse(id, CultureInfo.InvariantCulture);
        var deadline = TimeSpan.FromSeconds(10);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var waited = TimeSpan.Zero; StartTime(processId) == startTime; waited += timer.Period)
        {
            if (waited > deadline)
            {
                throw new DistributedApplicationException($"Process {processId}, left by an earlier run, still uses {dataDirectory}. End it first: kill {processId}");
            }

            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    /// <summary>When the process started, in clock ticks since boot; null if there is none, or only a zombie.</summary>
    private static string? StartTime(int processId)
    {
        try
        {
            // The command name in parentheses may hold spaces: the fields are counted from behind it.
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : fields[19];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

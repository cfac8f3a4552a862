using System.Diagnostics;

namespace Aspire.Hosting.Native;

/// <summary>
/// A child process that cannot outlive this one. A small shell, the guard, starts the command and keeps reading a pipe whose
/// only other end is here: when that end closes, because this process closed it or was killed, the guard stops the command.
/// .NET opens its pipes close-on-exec, so no sibling holds the end open by accident.
/// </summary>
internal sealed class GuardedProcess : IAsyncDisposable
{
    /// <summary>How long the guard lets the command stop by itself once the pipe is closed, in tenths of a second.</summary>
    private const string OrphanGrace = "20";

    // Arguments: signal that asks for a stop, grace, command. Lines on the pipe are signals to send.
    // setsid before it keeps the terminal's Ctrl+C away: the AppHost decides in which order things stop.
    private const string GuardScript = """
        signal=$1 grace=$2; shift 2
        exec 3<&0 </dev/null
        sh -c 'echo $$; exec "$@"' sh "$@" 3<&- &
        child=$!
        (
          exec >/dev/null 2>&1
          while read -r line <&3; do kill -s "$line" "$child"; done
          kill -s "$signal" "$child"
          while [ "$grace" -gt 0 ] && kill -0 "$child"; do sleep 0.1; grace=$((grace - 1)); done
          kill -s KILL "$child"
        ) &
        watcher=$!
        exec 3<&-
        trap 'kill -s "$signal" "$child" 2>/dev/null' HUP INT TERM
        wait "$child"; status=$?
        while kill -0 "$child" 2>/dev/null; do wait "$child"; status=$?; done
        kill "$watcher" 2>/dev/null
        exit "$status"
        """;

    private readonly Process _guard;
    private readonly string _stopSignal;
    private readonly TaskCompletionSource<int> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private GuardedProcess(Process guard, string stopSignal, Action<string, bool> onLine)
    {
        _guard = guard;
        _stopSignal = stopSignal;
        var output = ReadAsync(guard.StandardOutput, isError: false, onLine);
        var errors = ReadAsync(guard.StandardError, isError: true, onLine);
        Exited = WaitAsync(output, errors);
    }

    /// <summary>Process id of the command itself. Faults if it could not even be started.</summary>
    public Task<int> Started => _started.Task;

    /// <summary>The exit code; 128 plus the number of the signal that ended it.</summary>
    public Task<int> Exited { get; }

    public static GuardedProcess Start(
        IEnumerable<string> command,
        string stopSignal,
        string workingDirectory,
        IReadOnlyDictionary<string, string> environment,
        Action<string, bool> onLine)
    {
        var start = new ProcessStartInfo("setsid", ["sh", "-c", GuardScript, "guard", stopSignal, OrphanGrace, .. command])
        {
            WorkingDirectory = workingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new GuardedProcess(Process.Start(start)!, stopSignal, onLine);
    }

    /// <summary>Asks the command to stop, and kills it when the grace period is over.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        await SignalAsync(_stopSignal);
        try
        {
            await Exited.WaitAsync(grace);
        }
        catch (TimeoutException)
        {
            await SignalAsync("KILL");
            await Exited;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!Exited.IsCompleted)
        {
            await StopAsync(TimeSpan.FromSeconds(5));
        }

        _guard.Dispose();
    }

    private async Task SignalAsync(string signal)
    {
        try
        {
            await _guard.StandardInput.WriteLineAsync(signal);
            await _guard.StandardInput.FlushAsync();
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // The pipe has no reader any more: the command has ended by itself.
        }
    }

    private async Task ReadAsync(StreamReader reader, bool isError, Action<string, bool> onLine)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            // The first line of output is the guard's: the process id.
            if (!isError && !_started.Task.IsCompleted && int.TryParse(line, out var id))
            {
                _started.SetResult(id);
            }
            else
            {
                onLine(line, isError);
            }
        }
    }

    private async Task<int> WaitAsync(Task output, Task errors)
    {
        await _guard.WaitForExitAsync();

        // A grandchild may hold the pipes open after the command has ended: its last words are not worth waiting for.
        await Task.WhenAny(Task.WhenAll(output, errors), Task.Delay(TimeSpan.FromSeconds(1)));
        _started.TrySetException(new DistributedApplicationException("The process could not be started."));
        _ = _started.Task.Exception;
        return _guard.ExitCode;
    }
}

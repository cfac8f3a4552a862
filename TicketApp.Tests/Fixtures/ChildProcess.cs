using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace TicketApp.Tests.Fixtures;

/// <summary>A process that tests start, harm and start again. It ends with the tests' process, even if that is killed.</summary>
/// <param name="name">Names it in errors and output.</param>
/// <param name="command">The program and its arguments.</param>
/// <param name="environment">Variables on top of the tests' own.</param>
/// <param name="isReady">Whether it does its work.</param>
internal sealed class ChildProcess(string name, IEnumerable<string> command, IReadOnlyDictionary<string, string> environment, Func<Task<bool>> isReady) : IAsyncDisposable
{
    private static readonly TimeSpan _startLimit = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan _endLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _disposeLimit = TimeSpan.FromSeconds(5);

    private readonly ConcurrentQueue<string> _output = [];
    private Process? _process;

    public string Name => name;

    /// <summary>The program that does the work where the command is a script around it, as in <c>/proc/PID/comm</c>; null: the command itself.</summary>
    public string? Program { get; init; }

    /// <summary>Ends it when it is disposed of; without one it is killed.</summary>
    public string? QuickStopSignal { get; init; }

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>What it has written, in all its starts.</summary>
    public IEnumerable<string> Output => _output;

    /// <summary>Starts it, again if it has ended, and returns once it is ready.</summary>
    /// <exception cref="TimeoutException">It is not ready in time.</exception>
    /// <exception cref="InvalidOperationException">It has ended; its output says why.</exception>
    public async Task StartAsync()
    {
        _process?.Dispose();
        // The kernel sends the signal when the tests' process is gone, however it ends.
        ProcessStartInfo start = new("setpriv", ["--pdeathsig", "KILL", .. command]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        _process = await Launcher.StartAsync(start);
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Eventually.IsTrueAsync($"{name} ready", _startLimit, async () => !IsRunning || await isReady());
        if (!IsRunning)
        {
            await WaitForEndAsync(_endLimit);
            throw new InvalidOperationException($"{name} ended with code {_process.ExitCode.ToString(CultureInfo.InvariantCulture)}.");
        }

        void Keep(object sender, DataReceivedEventArgs line)
        {
            if (line.Data is not null)
            {
                _output.Enqueue(line.Data);
            }
        }
    }

    /// <summary>Sends a signal, such as <c>STOP</c>, to what does the work.</summary>
    public async Task SignalAsync(string signal) => Assert.Equal(0, await SendAsync(signal, [ProgramId()]));

    /// <summary>Asks it to stop and returns once it has.</summary>
    public async Task StopAsync()
    {
        await SignalAsync("TERM");
        await WaitForEndAsync(_endLimit);
    }

    /// <summary>Kills it with all that it started, and returns once they have ended.</summary>
    public async Task KillAsync()
    {
        // The script last: its end would ask the server to stop, which is more than a crash does.
        var id = _process!.Id;
        await SendAsync("KILL", [.. DescendantsOf(id).Select(process => process.Id), id]);
        await WaitForEndAsync(_endLimit);
    }

    public async ValueTask DisposeAsync()
    {
        if (IsRunning && QuickStopSignal is not null)
        {
            await SendAsync(QuickStopSignal, [ProgramId()]);
            await WaitForEndAsync(_disposeLimit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (IsRunning)
        {
            await KillAsync();
        }

        _process?.Dispose();
    }

    private static async Task<int> SendAsync(string signal, IEnumerable<int> processIds)
    {
        // One shell for all of them, so that none has time to notice the end of another.
        using var kill = Process.Start(new ProcessStartInfo("sh", ["-c", $"kill -s {signal} {string.Join(' ', processIds)}"]) { RedirectStandardError = true })!;
        await kill.WaitForExitAsync();
        return kill.ExitCode;
    }

    /// <summary>What a process started and what these started, parents first.</summary>
    private static List<(int Id, string Program)> DescendantsOf(int processId)
    {
        var children = Directory.EnumerateDirectories("/proc").Select(ReadStatus).OfType<(int Id, string Program, int Parent)>().ToLookup(process => process.Parent);
        List<(int Id, string Program)> descendants = [];
        for (Queue<int> parents = new([processId]); parents.TryDequeue(out var parent);)
        {
            foreach (var child in children[parent])
            {
                descendants.Add((child.Id, child.Program));
                parents.Enqueue(child.Id);
            }
        }

        return descendants;
    }

    // "PID (PROGRAM) STATE PARENT ...", where the program's name may have spaces and brackets: proc(5).
    private static (int Id, string Program, int Parent)? ReadStatus(string directory)
    {
        try
        {
            if (!int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var id))
            {
                return null;
            }

            var status = File.ReadAllText(Path.Combine(directory, "stat"));
            var end = status.LastIndexOf(')');
            return (id, status[(status.IndexOf('(', StringComparison.Ordinal) + 1)..end], int.Parse(status[(end + 2)..].Split(' ')[1], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            // It has ended.
            return null;
        }
    }

    private int ProgramId() => Program is null ? _process!.Id : DescendantsOf(_process!.Id).First(process => process.Program == Program).Id;

    private Task WaitForEndAsync(TimeSpan limit) => _process!.WaitForExitAsync().WaitAsync(limit);

    /// <summary>Starts processes on a thread that stays: to the kernel, the parent that dies is the thread that made the child (prctl(2), PR_SET_PDEATHSIG).</summary>
    private static class Launcher
    {
        private static readonly BlockingCollection<(ProcessStartInfo Start, TaskCompletionSource<Process> Started)> _launches = [];

        static Launcher() => new Thread(Launch) { IsBackground = true, Name = nameof(Launcher) }.Start();

        public static Task<Process> StartAsync(ProcessStartInfo start)
        {
            TaskCompletionSource<Process> started = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _launches.Add((start, started));
            return started.Task;
        }

        private static void Launch()
        {
            foreach (var (start, started) in _launches.GetConsumingEnumerable())
            {
                try
                {
                    started.SetResult(Process.Start(start)!);
                }
                catch (Win32Exception e)
                {
                    started.SetException(e);
                }
            }
        }
    }
}

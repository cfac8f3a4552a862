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
internal sealed class ChildProcess(
    string name, IEnumerable<string> command, IReadOnlyDictionary<string, string> environment, Func<Task<bool>> isReady)
    : IAsyncDisposable
{
    private static readonly TimeSpan _startLimit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan _endLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _disposeLimit = TimeSpan.FromSeconds(5);

    private readonly ConcurrentQueue<string> _output = [];
    private Process? _process;

    public string Name => name;

    /// <summary>
    /// The program that does the work where the command is a script around it, as in <c>/proc/PID/comm</c>; null: the command itself.
    /// </summary>
    public string? Program { get; init; }

    /// <summary>Ends it when it is disposed of; without one it is killed.</summary>
    public string? QuickStopSignal { get; init; }

    /// <summary>The id of what does the work.</summary>
    public int Id => ProgramId();

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
        ProcessStartInfo start = new("setpriv", ["--pdeathsig", "KILL", .. command])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
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
    public async Task SignalAsync(string signal) => Assert.True(await ProcessTree.SignalAsync(signal, ProgramId()), $"{name} has ended");

    /// <summary>Sends a signal to all that it started: a server may consist of many processes.</summary>
    public async Task SignalAllAsync(string signal)
    {
        var started = ProcessTree.DescendantsOf(_process!.Id).Select(process => process.Id);
        Assert.True(await ProcessTree.SignalAsync(signal, started), $"{name} has ended");
    }

    /// <summary>Asks it to stop and returns once it has.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync()
    {
        await SignalAsync("TERM");
        await WaitForEndAsync(_endLimit);
        return _process!.ExitCode;
    }

    /// <summary>Kills it with all that it started, and returns once they have ended.</summary>
    public async Task KillAsync()
    {
        // The script last: its end would ask the server to stop, which is more than a crash does.
        var id = _process!.Id;
        await ProcessTree.SignalAsync("KILL", [.. ProcessTree.DescendantsOf(id).Select(process => process.Id), id]);
        await WaitForEndAsync(_endLimit);
    }

    public async ValueTask DisposeAsync()
    {
        if (IsRunning && QuickStopSignal is not null)
        {
            await ProcessTree.SignalAsync(QuickStopSignal, ProgramId());
            await WaitForEndAsync(_disposeLimit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        if (IsRunning)
        {
            await KillAsync();
        }

        _process?.Dispose();
    }

    private int ProgramId() => Program is null
        ? _process!.Id
        : ProcessTree.DescendantsOf(_process!.Id).First(process => process.Program == Program).Id;

    private Task WaitForEndAsync(TimeSpan limit) => _process!.WaitForExitAsync().WaitAsync(limit);

    /// <summary>
    /// Starts processes on a thread that stays: to the kernel, the parent that dies is the thread that made
    /// the child (prctl(2), PR_SET_PDEATHSIG).
    /// </summary>
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

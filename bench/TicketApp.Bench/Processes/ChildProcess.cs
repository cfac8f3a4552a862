using System.Diagnostics;
using TicketApp.Bench.Machine;

namespace TicketApp.Bench.Processes;

/// <summary>A process that the benchmark started and that ends with it. Its output goes to a file.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(40);

    private readonly Process _process;
    private readonly TextWriter _log;

    private ChildProcess(string name, Process process, TextWriter log) => (Name, _process, _log) = (name, process, log);

    public string Name { get; }

    public int Id => _process.Id;

    public bool HasEnded => _process.HasExited;

    public ProcessTree Tree => new(Name, Id);

    /// <summary>Runs a program, or an assembly under <c>dotnet</c>, with <paramref name="environment"/> on top of its own.</summary>
    public static ChildProcess Start(
        string name, string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        var isAssembly = Path.GetExtension(program) == ".dll";
        ProcessStartInfo start = new(isAssembly ? "dotnet" : program, isAssembly ? [program, .. arguments] : arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetDirectoryName(Path.GetFullPath(program)),
        };
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        var path = Path.Combine(Path.GetTempPath(), $"ticketapp-bench-{name}.log");
        var log = TextWriter.Synchronized(new StreamWriter(path) { AutoFlush = true });
        Process process = new() { StartInfo = start };
        process.OutputDataReceived += Write;
        process.ErrorDataReceived += Write;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new(name, process, log);

        void Write(object sender, DataReceivedEventArgs line) => log.WriteLine(line.Data);
    }

    /// <summary>Takes the CPU away from it.</summary>
    public void Freeze() => _ = Libc.Kill(Id, Libc.Stop);

    /// <summary>Gives the CPU back to it.</summary>
    public void Continue() => _ = Libc.Kill(Id, Libc.Continue);

    /// <summary>Asks it to stop, waits, and kills it if it does not.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _ = Libc.Kill(Id, Libc.Terminate);
            using CancellationTokenSource timeout = new(_grace);
            await _process.WaitForExitAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!_process.HasExited)
            {
                _process.Kill(entireProcessTree: true);
            }
        }

        _process.Dispose();
        await _log.DisposeAsync();
    }
}

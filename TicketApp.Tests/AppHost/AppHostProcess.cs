using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost;

/// <summary>The AppHost as a process of its own, as a person starts it.</summary>
internal sealed partial class AppHostProcess : IAsyncDisposable
{
    private static readonly TimeSpan _startLimit = TimeSpan.FromMinutes(3);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly Task _reading;

    private AppHostProcess(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
    }

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Where it said that the API is.</summary>
    public Uri Api => new(ApiLine().Match(Output).Groups["url"].Value);

    /// <summary>Where it said that the dashboard is.</summary>
    public Uri Dashboard => new(DashboardLine().Match(Output).Groups["url"].Value);

    /// <summary>Starts it.</summary>
    /// <param name="data">Where native servers keep their data.</param>
    /// <param name="arguments">Settings, as <c>--Section:Key=value</c>.</param>
    public static AppHostProcess Start(string data, params string[] arguments)
    {
        var program = Repository.OutputOf("TicketApp.AppHost");
        ProcessStartInfo start = new(program, [$"--Servers:Data={data}", .. arguments])
        {
            WorkingDirectory = Path.Combine(Repository.Root, "TicketApp.AppHost"),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_ENVIRONMENT"] = "Development" },
        };
        return new AppHostProcess(Process.Start(start)!);
    }

    /// <summary>Until it says that the API, the last to start, is there.</summary>
    public async Task WaitUntilHealthyAsync()
    {
        await WaitForOutputAsync(ApiLine().IsMatch);
        if (_process.HasExited)
        {
            throw new InvalidOperationException($"The AppHost ended with {_process.ExitCode}:\n{Output}");
        }
    }

    /// <summary>Until its output is as wanted, or it has ended.</summary>
    public Task WaitForOutputAsync(Func<string, bool> isWanted) =>
        WaitAsync("Output of the AppHost", () => _process.HasExited || isWanted(Output));

    /// <returns>Its exit code.</returns>
    public async Task<int> WaitForExitAsync()
    {
        await WaitAsync("The end of the AppHost", () => _process.HasExited);
        await _reading;
        return _process.ExitCode;
    }

    /// <summary>Sends it a signal, such as <c>INT</c>, which is what Ctrl+C sends.</summary>
    public Task SignalAsync(string signal) => ProcessTree.SignalAsync(signal, _process.Id);

    /// <summary>Everything that it started, and what these started.</summary>
    public IReadOnlyList<ProcessEntry> Descendants()
    {
        // The orchestrator leaves its parent, and names it in its command line.
        var orchestrator = ProcessTree.FindByArguments("start-apiserver", "--monitor", _process.Id.ToString(CultureInfo.InvariantCulture));
        return [orchestrator, .. ProcessTree.DescendantsOf(orchestrator.Id)];
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            // The orchestrator notices, and ends the rest.
            _process.Kill(entireProcessTree: false);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    [GeneratedRegex(@"api is at (?<url>http://\S+)")]
    private static partial Regex ApiLine();

    [GeneratedRegex(@"Now listening on: (?<url>http://\S+)")]
    private static partial Regex DashboardLine();

    /// <summary>Waits, and shows what the AppHost wrote if that is in vain.</summary>
    private async Task WaitAsync(string what, Func<bool> probe)
    {
        try
        {
            await Eventually.IsTrueAsync(what, _startLimit, probe);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{Output}", e);
        }
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (_output)
            {
                _output.AppendLine(line);
            }
        }
    }
}

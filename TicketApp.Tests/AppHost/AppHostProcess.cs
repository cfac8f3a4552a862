using System.Diagnostics;
using System.Globalization;
using System.Reflection;
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
        var configuration = typeof(AppHostProcess).Assembly.GetCustomAttribute<AssemblyConfigurationAttribute>()!.Configuration;
        var program = Path.Combine(Repository.Root, "TicketApp.AppHost", "bin", configuration, "net10.0", "TicketApp.AppHost");
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
    public async Task WaitForOutputAsync(Func<string, bool> isWanted)
    {
        try
        {
            await Eventually.IsTrueAsync("Output of the AppHost", _startLimit, () => _process.HasExited || isWanted(Output));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{Output}", e);
        }
    }

    /// <returns>Its exit code.</returns>
    public async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(_startLimit);
        await _reading;
        return _process.ExitCode;
    }

    /// <summary>Sends it a signal, such as <c>INT</c>, which is what Ctrl+C sends.</summary>
    public Task SignalAsync(string signal) => SignalAsync(signal, _process.Id);

    public static async Task SignalAsync(string signal, int processId)
    {
        using var kill = Process.Start("sh", ["-c", $"kill -s {signal} {processId}"]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Everything that it started, and what these started, with the time each began: ids are given out again.</summary>
    public IReadOnlyList<(int Id, string Program, string StartTime)> Descendants()
    {
        var processes = Directory.GetDirectories("/proc")
            .Select(directory => int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0)
            .Select(id => (Id: id, Stat: Stat(id)))
            .Where(process => process.Stat is not null)
            .ToArray();
        var parents = processes.ToLookup(process => int.Parse(process.Stat![2], CultureInfo.InvariantCulture), process => (process.Id, process.Stat![0], process.Stat![20]));
        // The orchestrator leaves its parent, and names it in its command line.
        var orchestrator = processes.Single(process => CommandLine(process.Id).Contains($"start-apiserver\0--monitor\0{_process.Id}\0", StringComparison.Ordinal));
        List<(int Id, string Program, string StartTime)> found = [(orchestrator.Id, orchestrator.Stat![0], orchestrator.Stat[20])];
        for (var level = found.ToList(); level.Count > 0; level = [.. level.SelectMany(process => parents[process.Id])])
        {
            found.AddRange(level.SelectMany(process => parents[process.Id]));
        }

        return found;
    }

    public static bool IsAlive((int Id, string Program, string StartTime) process) =>
        Stat(process.Id) is { } stat && stat[1] is not ("Z" or "X") && stat[20] == process.StartTime;

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

    private static string CommandLine(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/cmdline");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    /// <summary>The fields of /proc/id/stat from the program's name on: name, state, parent and so on.</summary>
    private static string[]? Stat(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            var end = stat.LastIndexOf(')');
            return [stat[(stat.IndexOf('(', StringComparison.Ordinal) + 1)..end], .. stat[(end + 2)..].Split(' ')];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
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

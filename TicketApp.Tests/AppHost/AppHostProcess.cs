using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost;

/// <summary>The AppHost as a process of its own, as a person starts it.</summary>
internal sealed partial class AppHostProcess : IAsyncDisposable
{
    private static readonly TimeSpan _startLimit = TimeSpan.FromMinutes(2);

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

    /// <summary>The address of the Api in the table that it printed.</summary>
    public Uri Api => new(ApiRow().Match(Output).Groups["url"].Value);

    /// <summary>The address that it printed for logging in to its dashboard.</summary>
    public Uri Login => new(LoginLine().Match(Output).Groups["url"].Value);

    /// <summary>Starts it on the data under that state directory, which takes the place of the user's own.</summary>
    public static AppHostProcess Start(string stateDirectory, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "TicketApp.AppHost.dll")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["XDG_STATE_HOME"] = stateDirectory;
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return new AppHostProcess(Process.Start(start)!);
    }

    public async Task WaitUntilHealthyAsync()
    {
        try
        {
            await Eventually.IsTrueAsync("Everything healthy", _startLimit, () =>
                _process.HasExited || Output.Contains("Everything is running", StringComparison.Ordinal));
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}\n{Output}", e);
        }

        if (_process.HasExited)
        {
            throw new InvalidOperationException($"The AppHost ended with {_process.ExitCode}:\n{Output}");
        }
    }

    public async Task<int> WaitForExitAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(_startLimit);
        await _reading;
        return _process.ExitCode;
    }

    /// <summary>What Ctrl+C sends.</summary>
    public async Task InterruptAsync()
    {
        using var kill = Process.Start("sh", ["-c", $"kill -s INT {_process.Id}"]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    public void Kill() => _process.Kill(entireProcessTree: false);

    /// <summary>Everything that it started, and what those started, with the time each began: ids are given out again.</summary>
    public IReadOnlyList<(int Id, string StartTime)> Descendants()
    {
        var parents = Directory.GetDirectories("/proc")
            .Select(directory => int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0)
            .Select(id => (Id: id, Stat: Stat(id)))
            .Where(process => process.Stat is not null)
            .ToLookup(process => int.Parse(process.Stat![1], CultureInfo.InvariantCulture), process => (process.Id, process.Stat![19]));
        var found = new List<(int Id, string StartTime)>();
        for (var level = parents[_process.Id].ToList(); level.Count > 0; level = [.. level.SelectMany(process => parents[process.Id])])
        {
            found.AddRange(level);
        }

        return found;
    }

    public static bool IsAlive((int Id, string StartTime) process) =>
        Stat(process.Id) is { } stat && stat[0] is not ("Z" or "X") && stat[19] == process.StartTime;

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    [GeneratedRegex(@"^api\s+\S+\s+(?<url>http://\S+)", RegexOptions.Multiline)]
    private static partial Regex ApiRow();

    [GeneratedRegex(@"Login to the dashboard at (?<url>http://\S+)")]
    private static partial Regex LoginLine();

    /// <summary>The fields of /proc/id/stat behind the command's name: state, parent and so on.</summary>
    private static string[]? Stat(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
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

using System.ComponentModel;
using System.Diagnostics;

namespace TicketApp.AppHost.Servers;

/// <summary>Asks whether a container engine answers. A client without one is common, and so is one that hangs.</summary>
internal static class ContainerEngine
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(5);
    private static readonly string[] _engines = ["docker", "podman"];

    /// <param name="configured">The only one that Aspire would use; null for docker or podman, whichever answers.</param>
    /// <returns>Whether one answers; if none does, whether one hangs; and what was found, as a sentence would say it.</returns>
    public static async Task<(bool Answers, bool Hangs, string Finding)> ProbeAsync(string? configured)
    {
        string[] engines = configured is { Length: > 0 } ? [configured] : _engines;
        var findings = await Task.WhenAll(engines.Select(ProbeOneAsync));
        var answer = Array.Find(findings, finding => finding.Answers);
        return answer.Answers
            ? answer
            : (false, Array.Exists(findings, finding => finding.Hangs), string.Join(", ", findings.Select(finding => finding.Finding)));
    }

    /// <summary>An engine that is not installed; null if both are.</summary>
    public static string? NotInstalled() => Array.Find(_engines, engine => !IsInstalled(engine));

    private static bool IsInstalled(string engine) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(directory => File.Exists(Path.Combine(directory, engine)));

    private static async Task<(bool Answers, bool Hangs, string Finding)> ProbeOneAsync(string engine)
    {
        try
        {
            ProcessStartInfo start = new(engine, ["info"]) { RedirectStandardOutput = true, RedirectStandardError = true };
            using var process = Process.Start(start)!;
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            using CancellationTokenSource limit = new(_limit);
            try
            {
                await process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                return (false, true, $"{engine} does not answer within {_limit.TotalSeconds} s");
            }

            return process.ExitCode == 0 ? (true, false, $"{engine} answers") : (false, false, $"{engine} has no engine");
        }
        catch (Win32Exception)
        {
            return (false, false, $"{engine} is not installed");
        }
    }
}

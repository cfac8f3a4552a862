using System.ComponentModel;
using System.Diagnostics;

namespace TicketApp.AppHost.Servers;

/// <summary>Asks whether a container engine answers. A client without one is common, and so is one that hangs.</summary>
internal static class ContainerEngine
{
    /// <summary>What a finding says of an engine that hangs.</summary>
    public const string Hangs = "does not answer";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(5);
    private static readonly string[] _engines = ["docker", "podman"];

    /// <param name="configured">The only one that Aspire would use; null for docker or podman, whichever answers.</param>
    /// <returns>What was found, as a sentence would say it.</returns>
    public static async Task<(bool Answers, string Finding)> ProbeAsync(string? configured)
    {
        string[] engines = configured is { Length: > 0 } ? [configured] : _engines;
        var findings = await Task.WhenAll(engines.Select(ProbeOneAsync));
        var answer = Array.Find(findings, finding => finding.Answers);
        return answer.Answers ? answer : (false, string.Join(", ", findings.Select(finding => finding.Finding)));
    }

    /// <summary>An engine that is not installed; null if both are.</summary>
    public static string? NotInstalled() => Array.Find(_engines, engine => !IsInstalled(engine));

    private static bool IsInstalled(string engine) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(directory => File.Exists(Path.Combine(directory, engine)));

    private static async Task<(bool Answers, string Finding)> ProbeOneAsync(string engine)
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
                return (false, $"{engine} {Hangs} within {_limit.TotalSeconds} s");
            }

            return process.ExitCode == 0 ? (true, $"{engine} answers") : (false, $"{engine} has no engine");
        }
        catch (Win32Exception)
        {
            return (false, $"{engine} is not installed");
        }
    }
}

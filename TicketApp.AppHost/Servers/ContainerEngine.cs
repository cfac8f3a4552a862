using System.ComponentModel;
using System.Diagnostics;

namespace TicketApp.AppHost.Servers;

/// <summary>Asks whether a container engine answers. A client without one is common, and so is one that hangs.</summary>
internal static class ContainerEngine
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(5);

    /// <param name="configured">The only one that Aspire would use; null for docker or podman, whichever answers.</param>
    /// <returns>What was found, as a sentence would say it.</returns>
    public static async Task<(bool Answers, string Finding)> ProbeAsync(string? configured)
    {
        string[] engines = configured is { Length: > 0 } ? [configured] : ["docker", "podman"];
        var findings = await Task.WhenAll(engines.Select(ProbeOneAsync));
        var answer = Array.Find(findings, finding => finding.Answers);
        return answer.Answers ? answer : (false, string.Join(", ", findings.Select(finding => finding.Finding)));
    }

    private static async Task<(bool Answers, string Finding)> ProbeOneAsync(string engine)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(engine, ["info"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
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
                return (false, $"{engine} does not answer within {_limit.TotalSeconds} s");
            }

            return process.ExitCode == 0 ? (true, $"{engine} answers") : (false, $"{engine} has no engine");
        }
        catch (Win32Exception)
        {
            return (false, $"{engine} is not installed");
        }
    }
}

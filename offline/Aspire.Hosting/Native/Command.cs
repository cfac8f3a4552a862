using System.Diagnostics;

namespace Aspire.Hosting.Native;

/// <summary>Short commands that are run to their end.</summary>
internal static class Command
{
    /// <summary>What the command wrote to its standard output.</summary>
    /// <exception cref="DistributedApplicationException">It is missing or failed; the message has what it wrote to standard error.</exception>
    public static async Task<string> RunAsync(
        IReadOnlyList<string> command,
        IReadOnlyDictionary<string, string>? environment = null,
        CancellationToken cancellationToken = default)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        if (environment is not null)
        {
            start.Environment.Clear();
            foreach (var (name, value) in environment)
            {
                start.Environment[name] = value;
            }
        }

        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0
            ? await output
            : throw new DistributedApplicationException($"{command[0]} failed with exit code {process.ExitCode}: {(await errors).Trim()}");
    }
}

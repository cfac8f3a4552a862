using System.Diagnostics;

namespace TicketApp.Tests.Fixtures;

/// <summary>
/// Packages of the npm registry that others would use with this API or its chart, at the versions of npm.json. <c>./ticketapp setup</c>
/// installs them beside the repository.
/// </summary>
internal static class NodePackages
{
    private const string Missing =
        "The npm packages of TicketApp.Tests/npm.json are not installed, and ./ticketapp setup could not.";

    private static readonly string _folder = Path.Combine(Repository.Tools, "npm");

    private static readonly string _list = Path.Combine(Repository.Root, "TicketApp.Tests", "npm.json");

    /// <summary>A new folder whose modules can import the packages; skips the test where they are not installed.</summary>
    public static DirectoryInfo CreateFolder()
    {
        // Another version is as good as none: the list there is a copy of the one here.
        var installed = Path.Combine(_folder, "package.json");
        Assert.SkipUnless(
            File.Exists(installed) && File.ReadAllText(installed) == File.ReadAllText(_list)
                && Directory.Exists(Path.Combine(_folder, "node_modules", "typescript")),
            Missing);
        var folder = Directory.CreateTempSubdirectory("ticketapp-clients-");
        File.CreateSymbolicLink(Path.Combine(folder.FullName, "node_modules"), Path.Combine(_folder, "node_modules"));
        File.Copy(_list, Path.Combine(folder.FullName, "package.json"));
        return folder;
    }

    /// <summary>Runs a package's program in a folder; fails the test, with what it wrote, if that fails.</summary>
    public static Task<string> RunAsync(DirectoryInfo folder, string program, params IEnumerable<string> arguments) =>
        RunAsync(folder, Path.Combine(folder.FullName, "node_modules", ".bin", program), arguments, []);

    /// <summary>Runs a module in a folder; fails the test, with what it wrote, if that fails.</summary>
    public static Task<string> RunModuleAsync(
        DirectoryInfo folder, string module, params IEnumerable<(string Name, string Value)> variables) =>
        RunAsync(folder, "node", [module], variables);

    private static async Task<string> RunAsync(
        DirectoryInfo folder, string program, IEnumerable<string> arguments, IEnumerable<(string Name, string Value)> variables)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = folder.FullName,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["REDOCLY_SUPPRESS_UPDATE_NOTICE"] = "true", ["REDOCLY_TELEMETRY"] = "off" },
        };
        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}:\n{await output}\n{await error}");
            return await output;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}

using System.Reflection;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>The programs with which an operator would check what is published. <c>./ticketapp setup</c> installs what is missing.</summary>
internal static class DeploymentTools
{
    private static readonly string _cache = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
            ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
        "ticketapp",
        "tools");

    /// <summary>Why tests of the chart are skipped without Helm.</summary>
    public const string NoHelm = "helm is not installed, and ./ticketapp setup could not fetch it.";

    private static readonly string? _helm = Find("helm");

    /// <summary>Whether there is Helm; without it, tests of the chart are skipped.</summary>
    public static bool HasHelm => _helm is not null;

    /// <summary>Runs Helm, or skips the test.</summary>
    public static Task<(int ExitCode, string Output, string Error)> HelmAsync(IEnumerable<string> arguments, string input = "")
    {
        Assert.SkipUnless(HasHelm, NoHelm);
        return Publication.RunAsync(_helm!, arguments, input);
    }

    /// <summary>Runs the Bicep compiler, or skips the test.</summary>
    public static Task<(int ExitCode, string Output, string Error)> BicepAsync(params string[] arguments)
    {
        var bicep = typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .SingleOrDefault(attribute => attribute.Key == "Bicep")?.Value;
        Assert.SkipWhen(bicep is null, "There is a Bicep compiler for Linux on x64 only.");
        return Publication.RunAsync(bicep, arguments);
    }

    private static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append(_cache)
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}

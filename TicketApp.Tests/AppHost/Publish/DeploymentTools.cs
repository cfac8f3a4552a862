using System.Reflection;
using Json.Schema;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>The programs with which an operator would check what is published. <c>./ticketapp setup</c> installs what is missing.</summary>
internal static class DeploymentTools
{
    /// <summary>Why tests of the chart are skipped without Helm.</summary>
    public const string NoHelm = "helm is not installed, and ./ticketapp setup could not fetch it.";

    private static readonly string? _helm = Find("helm");

    private static readonly Lazy<JsonSchema> _composeSchema =
        // It names its dialect in a way of its own.
        new(() => JsonSchema.FromText(File.ReadAllText(Path.Combine(Repository.Tools, "compose.schema.json")).Replace(
            "https://json-schema.org/draft-07/schema", "http://json-schema.org/draft-07/schema#", StringComparison.Ordinal)));

    /// <summary>Whether there is Helm; without it, tests of the chart are skipped.</summary>
    public static bool HasHelm => _helm is not null;

    /// <summary>Runs Helm, or skips the test.</summary>
    public static Task<(int ExitCode, string Output, string Error)> HelmAsync(IEnumerable<string> arguments, string input = "")
    {
        Assert.SkipUnless(HasHelm, NoHelm);
        return Publication.RunAsync(_helm!, arguments, input);
    }

    /// <summary>Runs Prometheus' tool for rules, or skips the test.</summary>
    public static Task<(int ExitCode, string Output, string Error)> PromtoolAsync(IEnumerable<string> arguments)
    {
        var promtool = Find("promtool");
        Assert.SkipWhen(promtool is null, "promtool is not installed, and ./ticketapp setup could not fetch it.");
        return Publication.RunAsync(promtool, arguments);
    }

    /// <summary>Runs the Bicep compiler, or skips the test.</summary>
    public static Task<(int ExitCode, string Output, string Error)> BicepAsync(params string[] arguments)
    {
        var bicep = typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .SingleOrDefault(attribute => attribute.Key == "Bicep")?.Value;
        Assert.SkipWhen(bicep is null, "There is a Bicep compiler for Linux on x64 only.");
        return Publication.RunAsync(bicep, arguments);
    }

    /// <summary>The schema of the Compose specification; without it, the test is skipped.</summary>
    public static JsonSchema ComposeSchema
    {
        get
        {
            var file = Path.Combine(Repository.Tools, "compose.schema.json");
            Assert.SkipUnless(File.Exists(file), "There is no schema of Compose, and ./ticketapp setup could not fetch it.");
            return _composeSchema.Value;
        }
    }

    /// <summary>Compiles TypeScript that uses the types of KEDA and of the Gateway API, or skips the test.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> CompileAsync(string text)
    {
        var folder = NodePackages.CreateFolder();
        // These packages are no ECMAScript modules.
        var file = Path.Combine(folder.FullName, "objects.cts");
        await File.WriteAllTextAsync(file, text, TestContext.Current.CancellationToken);
        var result = await Publication.RunAsync(
            "node",
            [
                Path.Combine(folder.FullName, "node_modules", "typescript", "bin", "tsc"),
                "--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022", file,
            ]);
        folder.Delete(recursive: true);
        return result;
    }

    /// <summary>Where a program is, if it is anywhere.</summary>
    public static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append(Repository.Tools)
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}

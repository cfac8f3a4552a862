using System.Text.RegularExpressions;
using System.Xml.Linq;
using TicketApp.Tests.AppHost.Publish;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Architecture.Unit;

/// <summary>What is built is made of what was chosen.</summary>
public sealed partial class SupplyChainTests
{
    private static readonly string _github = Path.Combine(Repository.Root, ".github");

    [Fact]
    public void Every_action_is_pinned_by_its_commit()
    {
        var uses = Workflows().SelectMany(File.ReadLines).Where(line => line.Contains("uses:", StringComparison.Ordinal)).ToArray();

        Assert.NotEmpty(uses);
        Assert.All(uses, use => Assert.Matches(@"uses: [\w./-]+@[0-9a-f]{40} # v\d", use));
    }

    [Fact]
    public void Workflows_take_packages_from_one_feed()
    {
        var feeds = XDocument.Load(Path.Combine(_github, "nuget.config"));
        string[] sections = ["packageSources", "packageSourceMapping", "auditSources"];
        var only = Assert.Single(feeds.Descendants("packageSources").Elements("add"));
        var mapped = Assert.Single(feeds.Descendants("packageSource"));

        Assert.All(sections, section => Assert.NotNull(feeds.Root!.Element(section)!.Element("clear")));
        Assert.Equal("https://api.nuget.org/v3/index.json", (string?)only.Attribute("value"));
        Assert.Equal((string?)only.Attribute("key"), (string?)mapped.Attribute("key"));
        Assert.Equal("*", (string?)Assert.Single(mapped.Elements()).Attribute("pattern"));
        var builds = Workflows().Select(File.ReadAllText).Where(text => text.Contains("setup-dotnet", StringComparison.Ordinal));
        Assert.All(builds, workflow =>
            Assert.Contains("  RestoreConfigFile: ${{ github.workspace }}/.github/nuget.config", workflow, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("", false)]
    public async Task A_vulnerable_package_breaks_the_build_in_CI_only(string ci, bool breaks)
    {
        var (exitCode, output, error) = await Publication.RunAsync(
            "dotnet",
            [
                "msbuild", Path.Combine(Repository.Root, "TicketApp.Api"), "-nologo", $"-p:CI={ci}",
                "-getProperty:WarningsNotAsErrors,TreatWarningsAsErrors,NuGetAudit,NuGetAuditMode",
            ]);

        Assert.True(exitCode == 0, output + error);
        Assert.All(["\"TreatWarningsAsErrors\": \"true\"", "\"NuGetAudit\": \"true\"", "\"NuGetAuditMode\": \"all\""], property =>
            Assert.Contains(property, output, StringComparison.Ordinal));
        Assert.All(["NU1901", "NU1902", "NU1903", "NU1904"], warning =>
            Assert.Equal(breaks, !output.Contains(warning, StringComparison.Ordinal)));
        // A feed without a list of vulnerabilities is no vulnerability.
        Assert.Contains("NU1905", output, StringComparison.Ordinal);
    }

    [Fact]
    public void No_image_that_is_published_is_the_latest()
    {
        var deploy = Path.Combine(Repository.Root, "deploy");
        var images = Directory.EnumerateFiles(deploy, "*", SearchOption.AllDirectories)
            .Where(file => file.EndsWith(".yaml", StringComparison.Ordinal) || file.EndsWith(".bicep", StringComparison.Ordinal))
            .SelectMany(File.ReadLines)
            .Select(line => Image().Match(line).Groups[1].Value)
            .Where(image => image.Length > 0 && !image.Contains("_image", StringComparison.OrdinalIgnoreCase))
            .ToArray();

        Assert.NotEmpty(images);
        Assert.All(images, image => Assert.Matches(@":\d+\.\d+", image));
    }

    private static string[] Workflows() => Directory.GetFiles(Path.Combine(_github, "workflows"));

    [GeneratedRegex("""(?:^|[\s-])image: ["'](.+)["']""")]
    private static partial Regex Image();
}

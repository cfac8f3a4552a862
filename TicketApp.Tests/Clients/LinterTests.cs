using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Clients;

/// <summary>docs/openapi.json satisfies the rules that readers and generators of such documents count on.</summary>
public sealed class LinterTests
{
    [Fact]
    public async Task Spectral_has_nothing_to_say_of_the_description()
    {
        var folder = NodePackages.CreateFolder();
        await File.WriteAllTextAsync(
            Path.Combine(folder.FullName, "rules.yaml"), "extends: [\"spectral:oas\"]\n", TestContext.Current.CancellationToken);

        await NodePackages.RunAsync(folder, "spectral", "lint", ApiContract.FilePath, "--ruleset", "rules.yaml", "--fail-severity", "hint");
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Redocly_has_nothing_to_say_of_the_description()
    {
        var folder = NodePackages.CreateFolder();

        await NodePackages.RunAsync(
            folder, "redocly", "lint", ApiContract.FilePath, "--extends", "recommended-strict", "--max-problems", "20");
        folder.Delete(recursive: true);
    }
}

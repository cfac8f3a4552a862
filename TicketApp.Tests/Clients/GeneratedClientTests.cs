using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Clients;

/// <summary>Clients that others' programs generate from docs/openapi.json make the whole journey of a caller, with types.</summary>
[Collection(AppCollection.Name)]
public sealed class GeneratedClientTests(AppFixture app)
{
    private static readonly string[] _journey =
    [
        "batch normal, low, There is no such model", "retry canceled queued True", "tickets 4", "open True",
        "problem /openapi/problems#ticket-not-found",
    ];

    private static string Clients => Path.Combine(Repository.Root, "docs", "clients");

    [Fact]
    public async Task A_TypeScript_client_makes_the_journey()
    {
        var address = app.Api.BaseAddress!.ToString().TrimEnd('/');
        var folder = NodePackages.CreateFolder();
        await NodePackages.RunAsync(folder, "openapi-typescript", ApiContract.FilePath, "-o", "ticketapp.ts");
        File.Copy(Path.Combine(Clients, "typescript", "journey.ts"), Path.Combine(folder.FullName, "journey.ts"));
        // What only Node has, in place of a package with the types of all of it.
        await File.WriteAllTextAsync(
            Path.Combine(folder.FullName, "node.d.ts"), "declare const process: { env: Record<string, string | undefined> };\n",
            TestContext.Current.CancellationToken);
        await NodePackages.RunAsync(
            folder, "tsc", "--strict", "--noUncheckedIndexedAccess", "--target", "es2022", "--module", "nodenext", "--lib",
            "es2022,dom", "--skipLibCheck", "journey.ts", "node.d.ts");

        var output = await NodePackages.RunModuleAsync(folder, "journey.js", ("TICKETAPP", address));
        folder.Delete(recursive: true);

        AssertJourney(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Generating and compiling takes half a minute: the nightly workflow does.</summary>
    [Fact(Explicit = true)]
    public async Task A_CSharp_client_makes_the_journey()
    {
        var address = app.Api.BaseAddress!.ToString().TrimEnd('/');
        var folder = Directory.CreateTempSubdirectory("ticketapp-clients-");
        foreach (var file in Directory.GetFiles(Path.Combine(Clients, "csharp")))
        {
            File.Copy(file, Path.Combine(folder.FullName, Path.GetFileName(file)));
        }

        var tool = Path.Combine(folder.FullName, "tool");
        await RunAsync("dotnet", "tool", "install", "Microsoft.OpenApi.Kiota", "--version", "1.38.0", "--tool-path", tool);
        await RunAsync(
            Path.Combine(tool, "kiota"), "generate", "--language", "CSharp", "--openapi", ApiContract.FilePath,
            "--class-name", "TicketAppClient", "--namespace-name", "TicketApp.Client",
            "--output", Path.Combine(folder.FullName, "Client"), "--log-level", "Error");
        var output = await RunAsync("dotnet", "run", "--project", Path.Combine(folder.FullName, "TicketJourney.csproj"), "--", address);
        folder.Delete(recursive: true);

        AssertJourney(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private static async Task<string> RunAsync(string program, params IEnumerable<string> arguments)
    {
        var (code, output, error) = await AppHost.Publish.Publication.RunAsync(program, arguments);
        Assert.True(code == 0, $"{output}\n{error}");
        return output;
    }

    private static void AssertJourney(string[] lines)
    {
        Assert.StartsWith("succeeded ", lines[0], StringComparison.OrdinalIgnoreCase);
        Assert.Equal(_journey, lines[1..], StringComparer.OrdinalIgnoreCase);
    }
}

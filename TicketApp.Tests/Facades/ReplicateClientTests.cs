using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Facades;

/// <summary>Replicate's official client does its work with TicketApp, by another base URL: see replicate.js.</summary>
[Collection(AppCollection.Name)]
public sealed class ReplicateClientTests(AppFixture app)
{
    private static string Script => Path.Combine(Repository.Root, "TicketApp.Tests", "Facades", "replicate.js");

    [Fact]
    public async Task The_client_of_Replicate_works_unchanged()
    {
        var address = app.Api.BaseAddress!.ToString().TrimEnd('/');
        var folder = NodePackages.CreateFolder();
        File.Copy(Script, Path.Combine(folder.FullName, "replicate.js"));
        ScriptedModel model = new();
        await using var worker = await TestWorker.StartAsync(app, model);

        var output = await NodePackages.RunModuleAsync(
            folder, "replicate.js", ("TICKETAPP", address), ("USER", await app.CreateUserAsync()), ("MODEL", model.Name));
        folder.Delete(recursive: true);

        var checks = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.NotEmpty(checks);
        Assert.All(checks, check => Assert.StartsWith("ok: ", check, StringComparison.Ordinal));
    }
}

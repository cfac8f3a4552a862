namespace TicketApp.Tests.AppHost.Publish;

/// <summary>A publish that fails says so in one line, ends with an exit code other than 0, and leaves nothing half-made.</summary>
public sealed class PublishFailureTests
{
    [Theory]
    [InlineData("--Deployment:Target=azure", "Published output is in deploy/azure.")]
    [InlineData(
        "--Deployment:PublicHost=tickets.example.org",
        "Set Deployment:Target (environment variable Deployment__Target) to kubernetes, azure or compose.")]
    [InlineData("--Deployment:Target=nowhere", "Failed to convert configuration value 'nowhere' at 'Deployment:Target'")]
    [InlineData("--Deployment:Target=kubernetes --Deployment:MinApiReplicas=0", "MinApiReplicas is at least 1")]
    // What overflows is computed in a callback of the publisher.
    [InlineData(
        "--Deployment:Target=kubernetes --Deployment:WorkerDrainTimeout=9999999.00:00:00",
        "Step 'publish-k8s' failed: Arithmetic operation resulted in an overflow")]
    [InlineData(
        "--Deployment:Target=compose --Deployment:WorkerDrainTimeout=9999999.00:00:00",
        "Step 'publish-compose' failed: Arithmetic operation resulted in an overflow")]
    public async Task The_exit_code_is_1_and_one_line_says_why(string settings, string reason)
    {
        var folder = Publication.NewFolder();

        var (exitCode, output, error) = await Publication.RunAppHostAsync(folder, settings.Split(' '));

        AssertFailed(exitCode, output, error, reason);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
    }

    [Theory]
    [InlineData("kubernetes")]
    [InlineData("compose")]
    public async Task An_output_directory_that_cannot_be_made_is_a_failure(string target)
    {
        var file = Path.Combine(Publication.NewFolder(), "file");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);

        var (exitCode, output, error) = await Publication.RunAppHostAsync(file, $"--Deployment:Target={target}");

        AssertFailed(exitCode, output, error, file);
    }

    [Fact]
    public async Task A_callback_that_throws_leaves_no_file_of_the_resources_before_it()
    {
        var folder = Publication.NewFolder();

        var error = await Assert.ThrowsAsync<DistributedApplicationException>(() => Publication.PublishAsync(
            model =>
            {
                model.AddKubernetesEnvironment("k8s").WithDashboard(enabled: false);
                model.AddContainer("first", "image", "1");
                model.AddContainer("second", "image", "1")
                    .PublishAsKubernetesService(_ => throw new InvalidOperationException("The callback failed."));
            },
            folder));

        Assert.Contains("The callback failed.", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
    }

    private static void AssertFailed(int exitCode, string output, string error, string reason)
    {
        Assert.Equal(1, exitCode);
        Assert.Contains(reason, Assert.Single(error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }
}

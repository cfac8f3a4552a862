namespace TicketApp.Tests.AppHost.Publish;

/// <summary>What holds for models other than this one: a stand-in publishes it as the package does, or refuses it.</summary>
public sealed class StandInTests
{
    [Theory]
    [InlineData("bind mount", "ContainerMountAnnotation")]
    [InlineData("entry point", "entry point")]
    [InlineData("Dockerfile", "DockerfileBuildAnnotation")]
    [InlineData("files", "ContainerFileSystemCallbackAnnotation")]
    [InlineData("variable", "FileInfo")]
    [InlineData("dashboard", "dashboard")]
    public async Task What_is_not_published_is_refused(string what, string reason)
    {
        foreach (var target in (string[])["kubernetes", "compose"])
        {
            var folder = Publication.NewFolder();

            var error = await Assert.ThrowsAnyAsync<Exception>(() => Publication.PublishAsync(
                model =>
                {
                    AddEnvironment(model, target, dashboard: what == "dashboard");
                    var container = model.AddContainer("app", "image", "1");
                    _ = what switch
                    {
                        "bind mount" => container.WithBindMount(folder, "/data"),
                        "entry point" => container.WithEntrypoint("/bin/sh"),
                        "Dockerfile" => container.WithDockerfile(DockerfileFolder()),
                        "files" => container.WithContainerFiles("/data", [new ContainerFile { Name = "file", Contents = "" }]),
                        "variable" => container.WithEnvironment(context => context.EnvironmentVariables["FILE"] = new FileInfo("file")),
                        _ => container,
                    };
                },
                folder));

            Assert.Contains(reason, error.Message, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
        }
    }

    [Fact]
    public async Task Variables_that_a_site_has_set_stay_when_the_Compose_file_is_published_again()
    {
        var folder = Publication.NewFolder();
        var file = Path.Combine(folder, ".env");
        await File.WriteAllTextAsync(
            file, "# Parameter key\nKEY=of the site\n\n# Theirs\nOTHER=a=b\n", TestContext.Current.CancellationToken);

        await Publication.PublishAsync(ModelWithParameters, folder);
        await Publication.PublishAsync(ModelWithParameters, folder);

        Assert.Equal(
            "# Parameter key\nKEY=of the site\n\n# Theirs\nOTHER=a=b\n\n# Parameter the-second\nTHE_SECOND=\n\n",
            await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_Compose_service_waits_for_what_the_model_waits_for_and_has_its_ports()
    {
        var folder = Publication.NewFolder();
        await Publication.PublishAsync(
            model =>
            {
                AddEnvironment(model, "compose");
                var first = model.AddContainer("first", "registry.example.org/image", "1")
                    .WithContainerName("one")
                    .WithHttpEndpoint(targetPort: 80);
                model.AddContainer("second", "image", "2")
                    .WaitForCompletion(first)
                    .WithHttpEndpoint(port: 8081, targetPort: 81)
                    .WithExternalHttpEndpoints()
                    .WithEnvironment("FIRST", first.GetEndpoint("http"));
            },
            folder);

        var file = Path.Combine(folder, "docker-compose.yaml");
        var services = Yaml.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken))["services"]!;
        Assert.Equal("one", (string?)services["first"]!["container_name"]);
        Assert.Equal("80", (string?)Assert.Single(services["first"]!["expose"]!.AsArray()));
        Assert.Equal("8081:81", (string?)Assert.Single(services["second"]!["ports"]!.AsArray()));
        Assert.Equal("service_completed_successfully", (string?)services["second"]!["depends_on"]!["first"]!["condition"]);
        Assert.Equal("http://first:80", (string?)services["second"]!["environment"]!["FIRST"]);
    }

    private static void AddEnvironment(IDistributedApplicationBuilder model, string target, bool dashboard = false)
    {
        if (target == "compose")
        {
            model.AddDockerComposeEnvironment("compose").WithDashboard(dashboard);
        }
        else
        {
            model.AddKubernetesEnvironment("k8s").WithDashboard(dashboard);
        }
    }

    private static void ModelWithParameters(IDistributedApplicationBuilder model)
    {
        AddEnvironment(model, "compose");
        model.AddContainer("app", "image", "1")
            .WithEnvironment("A", model.AddParameter("key", "value")).WithEnvironment("B", model.AddParameter("the-second", "value"));
    }

    private static string DockerfileFolder()
    {
        var folder = Publication.NewFolder();
        File.WriteAllText(Path.Combine(folder, "Dockerfile"), "FROM scratch\n");
        return folder;
    }
}

using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>What the workflow <c>release</c> does with the chart, by its own script: stand-ins publish, look images up and push.</summary>
public sealed partial class ReleaseTests
{
    private const string Docker = """
        #!/bin/sh
        # docker buildx imagetools inspect IMAGE ...
        printf '{"digest":"sha256:%s"}' "$(printf %s "$4" | sha256sum | cut -d' ' -f1)"
        """;

    /// <summary>Of a chart in which workloads have other containers beside their own, and images that are used twice.</summary>
    [Fact]
    public async Task A_released_chart_names_every_image_of_every_container_by_its_digest()
    {
        var helm = DeploymentTools.Find("helm");
        Assert.SkipWhen(helm is null, DeploymentTools.NoHelm);
        if (DeploymentTools.Find("jq") is null)
        {
            AppAvailability.Refuse("jq is not installed.");
        }

        var folder = Publication.NewFolder();
        var chart = Path.Combine(folder, "published");
        await RunAsync("cp", "-R", Chart.Deployed.Folder, chart);
        await ChangeAsync("postgres/statefulset.yaml", "      containers:\n", """
                  initContainers:
                    - name: "init"
                      image: "docker.io/library/busybox:1.37.0"
                  containers:
                    - name: "sidecar"
                      image: "quay.io/example/exporter:2.0.0"

            """);
        await ChangeAsync("api/deployment.yaml", "      containers:\n", """
                  containers:
                    - image: "docker.io/library/busybox:1.37.0"
                      name: "sidecar"

            """);
        var workflow = await File.ReadAllTextAsync(
            Path.Combine(Repository.Root, ".github", "workflows", "release.yml"), TestContext.Current.CancellationToken);
        var script = Yaml.Parse(workflow)["jobs"]!["packages"]!["steps"]!.AsArray()
            .Single(step => (string?)step!["name"] == "Push the Helm chart")!["run"]!;
        await WriteAsync("ticketapp", $"#!/bin/sh\ncp -R '{chart}' \"$3\"\n");
        await WriteAsync("docker", Docker);
        await WriteAsync("helm", $"#!/bin/sh\n[ \"$1\" = push ] || exec '{helm}' \"$@\"\n");

        // As the runner of workflows does it.
        await WriteAsync("step", (string)script!);
        await RunAsync(
            "env", "-C", folder, $"PATH={folder}:{Environment.GetEnvironmentVariable("PATH")}", $"RUNNER_TEMP={folder}", "VERSION=1.2.3",
            "PACKAGES=ghcr.io/example/tickets", "GITHUB_SERVER_URL=https://github.com", "GITHUB_REPOSITORY=example/tickets",
            "GITHUB_REF_NAME=v1.2.3", "bash", "-e", Path.Combine(folder, "step"));

        var values = new JsonObject { ["secrets"] = Chart.Deployed.ValuesWithSecrets()["secrets"]!.DeepClone() };
        values["config"] = new JsonObject { ["api"] = new JsonObject { ["prometheus_release"] = "monitoring" } };
        var (exitCode, output, error) = await DeploymentTools.HelmAsync(
            ["template", "ticketapp", Path.Combine(folder, "ticketapp-1.2.3.tgz"), "--values", "-"], values.ToJsonString());
        Assert.True(exitCode == 0, error);
        var images = Image().Matches(output).Select(match => match.Groups[1].Value).ToArray();
        Assert.Equal(7, images.Length);
        Assert.Equal(
            ["api", "busybox", "exporter", "postgres", "rabbitmq", "worker"],
            images.Select(image => image.Split('@')[0].Split('/')[^1].Split(':')[0]).Distinct().Order());
        Assert.All(images, image => Assert.Matches("^[^@]+@sha256:[0-9a-f]{64}$", image));
        Assert.Contains("https://github.com/example/tickets/blob/v1.2.3/docs/", output, StringComparison.Ordinal);

        async Task ChangeAsync(string file, string old, string text)
        {
            var path = Path.Combine(chart, "templates", file);
            var template = await File.ReadAllTextAsync(path);
            Assert.Contains(old, template, StringComparison.Ordinal);
            await File.WriteAllTextAsync(path, template.Replace(old, text, StringComparison.Ordinal));
        }

        async Task WriteAsync(string name, string text)
        {
            var path = Path.Combine(folder, name);
            await File.WriteAllTextAsync(path, text);
            await RunAsync("chmod", "755", path);
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var (exitCode, output, error) = await Publication.RunAsync(program, arguments);
        Assert.True(exitCode == 0, output + error);
    }

    [GeneratedRegex("""\bimage: "?([^"\s]+)""")]
    private static partial Regex Image();
}

using System.Text.RegularExpressions;
using Aspire.Hosting.Pipelines;
using Microsoft.Extensions.DependencyInjection;

namespace TicketApp.AppHost.Deployment;

/// <summary>
/// What the publisher of charts has no way to say, added when it has written its files: the templates in <c>Chart/</c>, which a value
/// switches on and off, what they include, and the version of Kubernetes.
/// </summary>
internal static partial class KubernetesChart
{
    /// <summary>The first one whose <c>preStop</c> sleeps without a shell in the image.</summary>
    private const string KubernetesVersion = ">= 1.30.0-0";

    /// <summary>The value that is a table, which no variable can be.</summary>
    private const string Table = "public_annotations";

    /// <summary>The folder of templates that each server of the chart has a copy of.</summary>
    private const string EachServer = "server";

    public static void FinishChart(this IDistributedApplicationBuilder builder, string environment) => builder.Pipeline.AddStep(
        "finish-chart",
        async context =>
        {
            var chart = context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory();
            var templates = Path.Combine(AppContext.BaseDirectory, "Deployment", "Chart");
            foreach (var template in Directory.EnumerateFiles(templates, "*.yaml", SearchOption.AllDirectories))
            {
                var path = Path.GetRelativePath(templates, template);
                foreach (var copy in path.StartsWith(EachServer, StringComparison.Ordinal) ? OfServers(path) : [path])
                {
                    await WriteAsync(Path.Combine("templates", copy), await File.ReadAllTextAsync(template, context.CancellationToken));
                }
            }

            // Beside the templates and not among them: both have braces of their own.
            await WriteAsync(Path.Combine("monitoring", "alerts.yaml"), Monitoring.Alerts);
            await WriteAsync(Path.Combine("monitoring", "dashboard.json"), Monitoring.Dashboard);
            await ReplaceAsync("Chart.yaml", VersionLine(), $"kubeVersion: \"{KubernetesVersion}\"");
            await ReplaceAsync("values.yaml", TableLine(), $"{Table}: {{}}");

            IEnumerable<string> OfServers(string path) => context.Model.Resources
                .Where(resource => resource is PostgresServerResource or RabbitMQServerResource)
                .Select(server => Path.Combine(server.Name, Path.GetRelativePath(EachServer, path)));

            async Task ReplaceAsync(string file, Regex line, string text) =>
                await WriteAsync(
                    file, line.Replace(await File.ReadAllTextAsync(Path.Combine(chart, file), context.CancellationToken), text));

            Task WriteAsync(string file, string text)
            {
                FileInfo written = new(Path.Combine(chart, file));
                written.Directory!.Create();
                return File.WriteAllTextAsync(written.FullName, text, context.CancellationToken);
            }
        },
        dependsOn: $"publish-{environment}",
        requiredBy: WellKnownPipelineSteps.Publish);

    [GeneratedRegex("^kubeVersion: .*$", RegexOptions.Multiline)]
    private static partial Regex VersionLine();

    [GeneratedRegex(Table + ": .*$", RegexOptions.Multiline)]
    private static partial Regex TableLine();
}

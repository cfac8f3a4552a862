using System.Text.RegularExpressions;
using Aspire.Hosting.Pipelines;
using Microsoft.Extensions.DependencyInjection;

namespace TicketApp.AppHost.Deployment;

/// <summary>
/// What the publisher of charts has no way to say, added when it has written its files: the templates in <c>Chart/</c>, which a value
/// switches on and off, and the version of Kubernetes.
/// </summary>
internal static partial class KubernetesChart
{
    /// <summary>The first one whose <c>preStop</c> sleeps without a shell in the image.</summary>
    private const string KubernetesVersion = ">= 1.30.0-0";

    /// <summary>The value that is a table, which no variable can be.</summary>
    private const string Table = "public_annotations";

    public static void FinishChart(this IDistributedApplicationBuilder builder, string environment) => builder.Pipeline.AddStep(
        "finish-chart",
        async context =>
        {
            var chart = context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory();
            var templates = Path.Combine(AppContext.BaseDirectory, "Deployment", "Chart");
            foreach (var template in Directory.EnumerateFiles(templates, "*.yaml", SearchOption.AllDirectories))
            {
                FileInfo file = new(Path.Combine(chart, "templates", Path.GetRelativePath(templates, template)));
                file.Directory!.Create();
                File.Copy(template, file.FullName, overwrite: true);
            }

            await ReplaceAsync("Chart.yaml", VersionLine(), $"kubeVersion: \"{KubernetesVersion}\"");
            await ReplaceAsync("values.yaml", TableLine(), $"{Table}: {{}}");

            async Task ReplaceAsync(string file, Regex line, string text)
            {
                var path = Path.Combine(chart, file);
                await File.WriteAllTextAsync(
                    path, line.Replace(await File.ReadAllTextAsync(path, context.CancellationToken), text), context.CancellationToken);
            }
        },
        dependsOn: $"publish-{environment}",
        requiredBy: WellKnownPipelineSteps.Publish);

    [GeneratedRegex("^kubeVersion: .*$", RegexOptions.Multiline)]
    private static partial Regex VersionLine();

    [GeneratedRegex(Table + ": .*$", RegexOptions.Multiline)]
    private static partial Regex TableLine();
}

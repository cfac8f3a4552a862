using System.Text.RegularExpressions;
using Aspire.Hosting.Pipelines;
using Microsoft.Extensions.DependencyInjection;

namespace TicketApp.AppHost.Deployment;

/// <summary>
/// What the publisher of charts has no way to say, added when it has written its files: the templates in <c>Chart/</c>, which a value
/// switches on and off, what they include, how values become text, and the version of Kubernetes.
/// </summary>
internal static partial class KubernetesChart
{
    /// <summary>The first one whose <c>preStop</c> sleeps without a shell in the image.</summary>
    private const string KubernetesVersion = ">= 1.30.0-0";

    /// <summary>The value that is a table, which no variable can be.</summary>
    private const string Table = "public_annotations";

    /// <summary>The folder of templates that each server of the chart has a copy of.</summary>
    private const string EachServer = "server";

    /// <summary>
    /// How a value becomes text. Helm takes the numbers of a file for fractions, of which it writes a million as 1e+06; JSON does not.
    /// What a file leaves blank is nothing.
    /// </summary>
    private const string Text =
        "{{- define \"ticketapp.text\" }}{{ if kindIs \"float64\" . }}{{ toJson . }}"
        + "{{ else if not (kindIs \"invalid\" .) }}{{ . }}{{ end }}{{ end }}\n";

    /// <summary>A value as text, of which a template makes more.</summary>
    public static string AsText(string value) => $"(include `ticketapp.text` {value})";

    public static void FinishChart(this IDistributedApplicationBuilder builder, string environment) => builder.Pipeline.AddStep(
        "finish-chart",
        async context =>
        {
            var chart = context.Services.GetRequiredService<IPipelineOutputService>().GetOutputDirectory();
            var templates = Path.Combine(AppContext.BaseDirectory, "Deployment", "Chart");
            var servers = context.Model.Resources.Where(resource => resource is PostgresServerResource or RabbitMQServerResource)
                .Select(resource => resource.Name).ToArray();
            foreach (var template in Directory.EnumerateFiles(templates, "*.yaml", SearchOption.AllDirectories))
            {
                var path = Path.GetRelativePath(templates, template);
                foreach (var copy in path.StartsWith(EachServer, StringComparison.Ordinal)
                    ? servers.Select(server => Path.Combine(server, Path.GetRelativePath(EachServer, path))) : [path])
                {
                    await WriteAsync(Path.Combine("templates", copy), await File.ReadAllTextAsync(template, context.CancellationToken));
                }
            }

            // Beside the templates and not among them: both have braces of their own.
            await WriteAsync(Path.Combine("monitoring", "alerts.yaml"), Monitoring.Alerts);
            await WriteAsync(Path.Combine("monitoring", "dashboard.json"), Monitoring.Dashboard);
            await ReplaceAsync("Chart.yaml", VersionLine(), $"kubeVersion: \"{KubernetesVersion}\"");
            await ReplaceAsync("values.yaml", TableLine(), $"{Table}: {{}}");
            foreach (var claim in servers.Select(server => (Server: server, Name: $"ticketapp-{server}-data")))
            {
                // Left out, the cluster's default class counts; an empty name would be no class at all.
                await File.AppendAllTextAsync(
                    Path.Combine(chart, "templates", claim.Name, $"{claim.Name}.yaml"),
                    $"{{{{- with .Values.config.{claim.Server}.storage_class }}}}\n  storageClassName: "
                    + $"{{{{ {AsText(".")[1..^1]} | quote }}}}\n{{{{- end }}}}\n",
                    context.CancellationToken);
            }

            await WriteAsync(Path.Combine("templates", "_text.tpl"), Text);
            foreach (var template in Directory.EnumerateFiles(Path.Combine(chart, "templates"), "*.yaml", SearchOption.AllDirectories))
            {
                await ReplaceAsync(template, ValueAlone(), "{{ include `ticketapp.text` $1$2 }}");
                await ReplaceAsync(template, WholeText(), "{{ $1 | quote }}");
            }

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

    /// <summary>A value that nothing is made of, and what stands for an empty one.</summary>
    [GeneratedRegex(@"\{\{ (\.Values\.(?:config|parameters)\.[A-Za-z0-9_.]+)( \| default [^{}|]+?)? \}\}")]
    private static partial Regex ValueAlone();

    /// <summary>A text that is one value. Quoted by Helm, it may have any character.</summary>
    [GeneratedRegex(@"""\{\{ ([^{}]*\.Values\.[^{}]*) \}\}""")]
    private static partial Regex WholeText();

    [GeneratedRegex("^kubeVersion: .*$", RegexOptions.Multiline)]
    private static partial Regex VersionLine();

    [GeneratedRegex(Table + ": .*$", RegexOptions.Multiline)]
    private static partial Regex TableLine();
}

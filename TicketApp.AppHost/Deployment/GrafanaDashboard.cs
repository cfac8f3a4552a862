using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace TicketApp.AppHost.Deployment;

/// <summary>
/// A panel for each metric of the table in docs/telemetry.md, in the table's order, and before them what every web service has.
/// </summary>
internal static partial class GrafanaDashboard
{
    private const int Width = 8;
    private const int Height = 8;
    private const int Columns = 3;

    private static readonly JsonSerializerOptions _indented = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <param name="telemetry">The document.</param>
    public static string Of(string telemetry)
    {
        const string Requests = "http_server_request_duration_seconds";
        var served = "{job=\"api\", http_route!~\"/health|/alive\"}[$__rate_interval]";
        JsonArray panels =
        [
            Panel(
                0, "Requests", "Requests per second, by status.", "reqps",
                ($"sum by (http_response_status_code) (rate({Requests}_count{served}))", "{{http_response_status_code}}")),
            Panel(
                1, "Duration of requests", "Until the last byte of the answer. Long polls and streams wait on purpose.", "s",
                [.. Quantiles(Requests, served, [])]),
            Panel(
                2, "Memory", "Working set of each process.", "bytes",
                ("sum by (job, instance) (dotnet_process_memory_working_set_bytes)", "{{job}} {{instance}}")),
        ];
        foreach (var row in Rows(telemetry))
        {
            panels.Add(PanelOf(panels.Count, row));
        }

        return new JsonObject
        {
            ["uid"] = "ticketapp",
            ["title"] = "TicketApp",
            ["description"] = "The metrics of docs/telemetry.md, from which this file is generated.",
            ["schemaVersion"] = 39,
            ["refresh"] = "30s",
            ["time"] = new JsonObject { ["from"] = "now-3h", ["to"] = "now" },
            ["templating"] = new JsonObject
            {
                ["list"] = new JsonArray(new JsonObject
                {
                    ["name"] = "datasource",
                    ["label"] = "Prometheus",
                    ["type"] = "datasource",
                    ["query"] = "prometheus",
                }),
            },
            ["panels"] = panels,
        }.ToJsonString(_indented) + "\n";
    }

    /// <summary>The rows of the table of metrics, by cell.</summary>
    private static IEnumerable<Metric> Rows(string telemetry) =>
        from line in telemetry.Split('\n').SkipWhile(line => !line.StartsWith("| instrument |", StringComparison.Ordinal)).Skip(2)
            .TakeWhile(line => line.StartsWith('|'))
        let cells = line.Trim('|', ' ').Split(" | ")
        select new Metric(
            cells[0].Trim('`'), cells[1], cells[2].Trim('`'), cells[3].Contains("*service*", StringComparison.Ordinal),
            [.. Attribute().Matches(cells[3]).Select(match => match.Groups[1].Value)], cells[4]);

    private static JsonObject PanelOf(int index, Metric metric)
    {
        var name = PrometheusNames.Of(metric.Name, metric.Kind, metric.Unit);
        string[] labels = [.. metric.Attributes.Select(PrometheusNames.Of)];
        var by = labels.Length == 0 ? "" : $" by ({string.Join(", ", labels)})";
        var legend = string.Join(' ', labels.Select(label => $"{{{{{label}}}}}"));
        // Replicas tell the same of the service: one of them counts, not their sum.
        var over = metric.IsOfService ? "max" : "sum";
        var queries = metric.Kind switch
        {
            "counter" => [($"{over}{by} (rate({name}[$__rate_interval]))", legend)],
            "gauge" => [($"{over}{by} ({name})", legend)],
            _ => Quantiles(name, "[$__rate_interval]", labels).ToArray(),
        };
        var unit = (metric.Kind, metric.Unit) switch { (_, "s") => "s", ("counter", _) => "cps", _ => "short" };
        return Panel(index, metric.Name, metric.Description, unit, queries);
    }

    private static IEnumerable<(string Expression, string Legend)> Quantiles(string name, string range, string[] labels) =>
        ((string[])["0.5", "0.95", "0.99"]).Select(quantile => (
            $"histogram_quantile({quantile}, sum by ({string.Join(", ", labels.Prepend("le"))}) (rate({name}_bucket{range})))",
            string.Join(' ', labels.Select(label => $"{{{{{label}}}}}").Append(quantile))));

    private static JsonObject Panel(
        int index, string title, string description, string unit, params (string Expression, string Legend)[] queries) => new()
        {
            ["id"] = index + 1,
            ["type"] = "timeseries",
            ["title"] = title,
            ["description"] = description,
            ["datasource"] = new JsonObject { ["type"] = "prometheus", ["uid"] = "${datasource}" },
            ["gridPos"] = new JsonObject
            {
                ["x"] = index % Columns * Width,
                ["y"] = index / Columns * Height,
                ["w"] = Width,
                ["h"] = Height,
            },
            ["fieldConfig"] = new JsonObject
            {
                ["defaults"] = new JsonObject { ["unit"] = unit, ["min"] = 0 },
                ["overrides"] = new JsonArray(),
            },
            ["targets"] = new JsonArray([.. queries.Select((query, i) => new JsonObject
            {
                ["refId"] = ((char)('A' + i)).ToString(),
                ["expr"] = query.Expression,
                ["legendFormat"] = query.Legend,
            })]),
        };

    [GeneratedRegex("`([a-z_.]+)`")]
    private static partial Regex Attribute();

    private sealed record Metric(string Name, string Kind, string Unit, bool IsOfService, string[] Attributes, string Description);
}

/// <summary>
/// The names that Prometheus, and the collector's exporters to it, give what OpenTelemetry sends: underscores, the unit in words, and
/// <c>_total</c> at the end of a counter's.
/// </summary>
internal static partial class PrometheusNames
{
    /// <summary>Of an attribute.</summary>
    public static string Of(string attribute) => Other().Replace(attribute, "_");

    /// <summary>Of a metric; a histogram is three of them, with <c>_bucket</c>, <c>_sum</c> and <c>_count</c> at the end.</summary>
    /// <param name="metric">The instrument's name.</param>
    /// <param name="kind">counter, gauge or histogram.</param>
    /// <param name="unit">Its unit. One in braces says what is counted, and is left out.</param>
    public static string Of(string metric, string kind, string unit)
    {
        var word = unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        return $"{Of(metric)}{word}{(kind == "counter" ? "_total" : "")}";
    }

    [GeneratedRegex("[^a-zA-Z0-9_]")]
    private static partial Regex Other();
}

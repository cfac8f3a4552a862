using System.Diagnostics.Metrics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using TicketApp.AppHost.Deployment;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>Alerts and dashboard: of metrics that exist, in a language that Prometheus reads, and with a runbook for each alert.</summary>
public sealed partial class MonitoringTests
{
    private static JsonNode[] Rules { get; } =
        [.. Yaml.Parse(Monitoring.Alerts)["groups"]!.AsArray().SelectMany(group => group!["rules"]!.AsArray())!];

    /// <summary>What the panels ask, as rules may: a range is chosen by Grafana.</summary>
    private static string[] Panels { get; } =
        [.. JsonNode.Parse(Monitoring.Dashboard)!["panels"]!.AsArray()
            .SelectMany(panel => panel!["targets"]!.AsArray())
            .Select(target => ((string)target!["expr"]!).Replace("$__rate_interval", "5m", StringComparison.Ordinal))];

    private static IEnumerable<string> Expressions => Rules.Select(rule => (string)rule["expr"]!).Concat(Panels);

    [Fact]
    public void Every_metric_that_is_asked_for_exists()
    {
        string[] others = ["http_server_request_duration_seconds_bucket", "http_server_request_duration_seconds_count"];
        var known = Documents.Table("docs/telemetry.md", "| instrument |")
            .SelectMany(cells => Series(cells[0].Trim('`'), cells[1], cells[2].Trim('`')))
            .Concat(others).Append("dotnet_process_memory_working_set_bytes");

        var asked = Expressions
            .SelectMany(expression => Name().Matches(Label().Replace(expression, "")).Select(match => match.Value)).ToHashSet();

        Assert.Empty(asked.Except(known));
        Assert.True(asked.Count > 20, string.Join(' ', asked));
    }

    [Fact]
    public void Every_label_that_is_asked_for_is_an_attribute()
    {
        var known = Documents.Table("docs/telemetry.md", "| instrument |")
            .SelectMany(cells => Attribute().Matches(cells[3]).Select(match => PrometheusNames.Of(match.Groups[1].Value)))
            .Concat(["job", "instance", "le", "http_route", "http_response_status_code"]);

        var asked = Expressions.SelectMany(expression => Label().Matches(expression))
            .SelectMany(match => LabelName().Matches(match.Value).Select(name => name.Groups[1].Value)).ToHashSet();

        Assert.Empty(asked.Except(known));
        Assert.Contains("ticketapp_ticket_status", asked);
    }

    /// <summary>Of the framework, so no table of this repository has them.</summary>
    [Fact]
    public async Task The_metrics_of_the_framework_have_the_names_that_are_asked_for()
    {
        HashSet<string> names = [];
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, _) =>
            names.Add(PrometheusNames.Of(instrument.Name, "histogram", instrument.Unit ?? ""));
        listener.Start();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        await app.StartAsync(TestContext.Current.CancellationToken);

        Assert.Contains("http_server_request_duration_seconds", names);
        Assert.Contains("dotnet_process_memory_working_set_bytes", names);
    }

    /// <summary>As the specification of the translation has them.</summary>
    [Theory]
    [InlineData("http.server.request.duration", "histogram", "s", "http_server_request_duration_seconds")]
    [InlineData("ticketapp.tickets.finished", "counter", "{ticket}", "ticketapp_tickets_finished_total")]
    [InlineData("ticketapp.tickets.oldest.age", "gauge", "s", "ticketapp_tickets_oldest_age_seconds")]
    [InlineData("dotnet.process.memory.working_set", "gauge", "By", "dotnet_process_memory_working_set_bytes")]
    public void Names_are_translated(string metric, string kind, string unit, string name) =>
        Assert.Equal(name, PrometheusNames.Of(metric, kind, unit));

    [Fact]
    public void Every_alert_has_a_runbook_and_every_runbook_an_alert()
    {
        var runbooks = File.ReadLines(Path.Combine(Repository.Root, "docs", "operations.md"))
            .SkipWhile(line => line != "## Alerts").Skip(1).TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
            .Where(line => line.StartsWith("### ", StringComparison.Ordinal)).Select(line => line[4..]);

        Assert.Equal(Rules.Select(rule => (string?)rule["alert"]), runbooks);
        Assert.All(Rules, rule => Assert.Equal(
            // GitHub's anchors of headings are in lower case.
            $"docs/operations.md#{((string)rule["alert"]!).ToLowerInvariant()}", (string?)rule["annotations"]!["runbook_url"]));
    }

    [Fact]
    public async Task Prometheus_reads_every_rule_and_every_panel()
    {
        var folder = Publication.NewFolder();
        var alerts = await WriteAsync(folder, "alerts.yaml", Monitoring.Alerts);
        JsonObject panels = new()
        {
            ["groups"] = new JsonArray(new JsonObject
            {
                ["name"] = "panels",
                ["rules"] = new JsonArray([.. Panels.Select((panel, i) => new JsonObject { ["record"] = $"panel:{i}", ["expr"] = panel })]),
            }),
        };

        await AssertPromtoolAsync("check", "rules", alerts, await WriteAsync(folder, "panels.yaml", panels.ToJsonString()));
    }

    [Fact]
    public async Task An_alert_fires_at_its_symptom_and_at_no_other()
    {
        var folder = Publication.NewFolder();
        await WriteAsync(folder, "alerts.yaml", Monitoring.Alerts);
        var test = Path.Combine(folder, "test.yaml");
        File.Copy(Path.Combine(Repository.Root, "TicketApp.Tests", "AppHost", "Publish", "alerts-test.yaml"), test);
        var fires = await File.ReadAllTextAsync(test, TestContext.Current.CancellationToken);

        Assert.All(Rules, rule => Assert.Contains($"alertname=\"{rule["alert"]}\"", fires, StringComparison.Ordinal));
        await AssertPromtoolAsync("test", "rules", test);
    }

    [Fact]
    public void A_site_without_Prometheus_gets_no_object_of_its_kinds() => Assert.DoesNotContain(
        Chart.Deployed.RenderAll(Chart.Deployed.ValuesWithSecrets()).Keys,
        file => file.StartsWith("monitoring/", StringComparison.Ordinal));

    [Fact]
    public void A_site_that_names_its_Prometheus_gets_the_rules_and_the_dashboard()
    {
        var values = Chart.Deployed.ValuesWithSecrets();
        values["config"]!["api"]!["prometheus_release"] = "kube-prometheus-stack";
        values["config"]!["api"]!["runbooks"] = "https://example.org/ticketapp/";

        var alerts = Chart.Deployed.Parse("monitoring/alerts.yaml", values);
        var dashboard = Chart.Deployed.Parse("monitoring/dashboard.yaml", values);

        Assert.Equal("PrometheusRule", (string?)alerts["kind"]);
        Assert.Equal("kube-prometheus-stack", (string?)alerts["metadata"]!["labels"]!["release"]);
        var expected = Yaml.Parse(Monitoring.Alerts.Replace(": docs/", ": https://example.org/ticketapp/docs/", StringComparison.Ordinal));
        Assert.Equal(expected["groups"]!.ToJsonString(), alerts["spec"]!["groups"]!.ToJsonString());
        Assert.Equal("1", (string?)dashboard["metadata"]!["labels"]!["grafana_dashboard"]);
        Assert.Equal(Monitoring.Dashboard.Trim(), ((string)dashboard["data"]!["ticketapp.json"]!).Trim());
    }

    /// <summary>The series of a metric.</summary>
    private static string[] Series(string metric, string kind, string unit)
    {
        var name = PrometheusNames.Of(metric, kind, unit);
        return kind == "histogram" ? [$"{name}_bucket", $"{name}_sum", $"{name}_count"] : [name];
    }

    private static async Task<string> WriteAsync(string folder, string name, string text)
    {
        var file = Path.Combine(folder, name);
        await File.WriteAllTextAsync(file, text, TestContext.Current.CancellationToken);
        return file;
    }

    private static async Task AssertPromtoolAsync(params string[] arguments)
    {
        var (exitCode, output, error) = await DeploymentTools.PromtoolAsync(arguments);
        Assert.True(exitCode == 0, output + error);
    }

    /// <summary>A selector's labels, or those that series are joined or grouped by.</summary>
    [GeneratedRegex(@"\{[^}]*\}|\b(?:by|on)\s*\([^)]*\)")]
    private static partial Regex Label();

    [GeneratedRegex(@"(?:[{,(]\s*)([a-z_]+)")]
    private static partial Regex LabelName();

    /// <summary>A metric; functions are followed by a parenthesis.</summary>
    [GeneratedRegex(@"\b[a-z]+_[a-z_]+\b(?!\s*\()")]
    private static partial Regex Name();

    [GeneratedRegex("`([a-z_.]+)`")]
    private static partial Regex Attribute();
}

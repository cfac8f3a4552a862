using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace TicketApp.Tests.AppHost.Dashboard;

/// <summary>What the dashboard makes of telemetry that OpenTelemetry's own exporter sends.</summary>
[Collection(DashboardCollection.Name)]
public sealed class TelemetryTests(DashboardFixture dashboard)
{
    [Fact]
    public async Task A_trace_is_shown_with_all_that_its_spans_hold()
    {
        using var source = new ActivitySource($"test-{Guid.NewGuid():N}");
        ActivityTraceId traceId;
        using (Sdk.CreateTracerProviderBuilder().AddSource(source.Name).ConfigureResource(Named("one")).AddOtlpExporter(Export).Build())
        {
            using var parent = source.StartActivity("parent", ActivityKind.Server)!;
            traceId = parent.TraceId;
            using var child = source.StartActivity(
                ActivityKind.Client,
                parentContext: parent.Context,
                tags: [new("text", "Grüße"), new("number", 42L), new("list", new[] { 1.5, 2.5 }), new("flag", true)],
                links: [new ActivityLink(new ActivityContext(ActivityTraceId.CreateFromString("0123456789abcdef0123456789abcdef"), ActivitySpanId.CreateFromString("0123456789abcdef"), ActivityTraceFlags.None))],
                name: "child")!;
            child.AddEvent(new ActivityEvent("happened", tags: new ActivityTagsCollection([new("what", "it")])));
            child.SetStatus(ActivityStatusCode.Error, "broken");
        }

        var trace = await dashboard.GetAsync($"/api/traces/{traceId}");

        var spans = trace["spans"]!.AsArray();
        Assert.Equal(["parent", "child"], spans.Select(span => Text(span!["name"])));
        Assert.Equal(["server", "client"], spans.Select(span => Text(span!["kind"])));
        var (one, other) = (spans[0]!, spans[1]!);
        Assert.Equal(Text(one["id"]), Text(other["parentId"]));
        Assert.Null(one["parentId"]);
        Assert.Equal(("one", "i1"), (Text(other["source"]), Text(other["instance"])));
        Assert.True(other["isError"]!.GetValue<bool>());
        Assert.Equal("broken", Text(other["statusMessage"]));
        Assert.Equal(
            ["text=Grüße", "number=42", "list=[1.5, 2.5]", "flag=true"],
            other["attributes"]!.AsArray().Select(attribute => $"{attribute!["key"]}={attribute["value"]}"));
        Assert.Equal("happened", Text(Assert.Single(other["events"]!.AsArray())!["name"]));
        Assert.Equal("0123456789abcdef0123456789abcdef", Text(Assert.Single(other["links"]!.AsArray())!["traceId"]));
        var length = one["duration"]!.GetValue<double>();
        Assert.InRange(other["start"]!.GetValue<double>() + other["duration"]!.GetValue<double>(), 0, length);

        Assert.Equal(1, await CountAsync($"/api/traces?text={traceId}&errors=true&source=one"));
        Assert.Equal(1, await CountAsync($"/api/traces?text={traceId}&requests=true"));
        Assert.Equal(1, await CountAsync($"/api/traces?text=gr%C3%BCSSE".Replace("SS", "%C3%9F", StringComparison.Ordinal)));
        Assert.Equal(0, await CountAsync($"/api/traces?text={traceId}&source=api"));
        Assert.Equal(0, await CountAsync($"/api/traces?text={traceId}&min={(length + 1).ToString(CultureInfo.InvariantCulture)}"));
    }

    [Fact]
    public async Task Logs_are_kept_up_to_a_number_and_a_size_and_the_latest_stay()
    {
        var marker = Guid.NewGuid().ToString("N");
        SendLogs(logger => Write(logger, LogLevel.Information, DashboardFixture.MaxLogCount + 200, number => $"{marker} small {number}"));
        var kept = await dashboard.GetAsync($"/api/logs?text={marker}");
        Assert.Equal(DashboardFixture.MaxLogCount, kept["kept"]!.GetValue<int>());
        Assert.Contains(kept["logs"]!.AsArray(), log => Text(log!["message"]).EndsWith($"small {DashboardFixture.MaxLogCount + 199}", StringComparison.Ordinal));

        const int Size = 100_000;
        SendLogs(logger => Write(logger, LogLevel.Information, 60, number => $"{marker} large {number}{new string('.', Size)}"));
        var large = await dashboard.GetAsync($"/api/logs?text={marker}%20large&limit=100");
        Assert.InRange(large["kept"]!.GetValue<int>(), 1, DashboardFixture.MaxBytes / Size);
        Assert.StartsWith($"{marker} large 59.", Text(large["logs"]![0]!["message"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Counters_become_rates_and_histograms_quantiles_for_the_attributes_asked_for()
    {
        using var meter = new Meter($"test-{Guid.NewGuid():N}");
        var counter = meter.CreateCounter<long>("done", "{ticket}");
        var histogram = meter.CreateHistogram<double>("length", "s", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [10, 20, 30] });
        using (Sdk.CreateMeterProviderBuilder().AddMeter(meter.Name).ConfigureResource(Named("one")).AddOtlpExporter((exporter, _) => Export(exporter)).Build())
        {
            counter.Add(50, new KeyValuePair<string, object?>("kind", "good"));
            counter.Add(7, new KeyValuePair<string, object?>("kind", "bad"));
            for (var i = 0; i < 50; i++)
            {
                histogram.Record(5);
                histogram.Record(15);
            }
        }

        var instruments = await dashboard.GetAsync("/api/metrics");
        var done = instruments.AsArray().Single(instrument => Text(instrument!["meter"]) == meter.Name && Text(instrument["name"]) == "done")!;
        Assert.Equal("Counter", Text(done["kind"]));
        Assert.Equal(["bad", "good"], done["attributes"]!["kind"]!.AsArray().Select(Text));

        Assert.Equal(57, await TotalAsync(meter.Name, ""), 1e-6);
        Assert.Equal(7, await TotalAsync(meter.Name, "&attribute=kind%3Dbad"), 1e-6);
        var lines = (await dashboard.GetAsync($"/api/metrics/chart?meter={meter.Name}&name=length"))["lines"]!.AsArray();
        Assert.Equal(
            [("p50", 10.0), ("p90", 18.0), ("p99", 19.8)],
            lines.Select(line => (Text(line!["label"]), Math.Round(line["values"]!.AsArray().Single(value => value is not null)!.GetValue<double>(), 6))));
    }

    private static string Text(JsonNode? node) => node!.GetValue<string>();

    private static Action<ResourceBuilder> Named(string name) => resource => resource.AddService(name, serviceInstanceId: "i1");

    private static void Write(ILogger logger, LogLevel level, int count, Func<int, string> text)
    {
        for (var number = 0; number < count; number++)
        {
            logger.Log(level, default, number, null, (state, _) => text(state));
        }
    }

    private void Export(OtlpExporterOptions options)
    {
        options.Endpoint = dashboard.Otlp;
        options.Protocol = OtlpExportProtocol.Grpc;
        options.Headers = $"x-otlp-api-key={DashboardFixture.OtlpApiKey}";
    }

    /// <summary>All are there when this returns: the exporter is flushed when it is disposed of.</summary>
    private void SendLogs(Action<ILogger> write)
    {
        var services = new ServiceCollection().AddLogging(logging => logging.AddOpenTelemetry(options =>
        {
            options.SetResourceBuilder(ResourceBuilder.CreateEmpty().AddService("one", serviceInstanceId: "i1"));
            options.IncludeFormattedMessage = true;
            options.AddOtlpExporter((exporter, processor) =>
            {
                Export(exporter);
                processor.BatchExportProcessorOptions.MaxExportBatchSize = 100;
            });
        }));
        using var provider = services.BuildServiceProvider();
        write(provider.GetRequiredService<ILoggerFactory>().CreateLogger("Test"));
    }

    private async Task<int> CountAsync(string path) => (await dashboard.GetAsync(path)).AsArray().Count;

    /// <summary>What the rates add up to.</summary>
    private async Task<double> TotalAsync(string meter, string more)
    {
        var chart = await dashboard.GetAsync($"/api/metrics/chart?meter={meter}&name=done{more}");
        return Assert.Single(chart["lines"]!.AsArray())!["values"]!.AsArray().Sum(value => value?.GetValue<double>() ?? 0) * chart["slotSeconds"]!.GetValue<int>();
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using TicketApp.ServiceDefaults;

namespace TicketApp.Tests.Telemetry.Unit;

/// <summary>What variables of OpenTelemetry and strangers' headers can do to a service.</summary>
public sealed class TelemetryVariableTests
{
    private const string StrangersTrace = "0af7651916cd43dd8448eb211c80319c";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://collector")]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS", "the-secret")]
    [InlineData("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "the-secret")]
    [InlineData("OTEL_EXPORTER_OTLP_TIMEOUT", "0")]
    [InlineData("OTEL_EXPORTER_OTLP_CERTIFICATE", "/there/is/no/such/file")]
    [InlineData("OTEL_METRIC_EXPORT_INTERVAL", "0")]
    [InlineData("OTEL_METRIC_EXPORT_INTERVAL", "soon")]
    [InlineData("OTEL_BSP_MAX_QUEUE_SIZE", "-1")]
    public async Task A_value_that_cannot_be_used_is_a_warning_and_the_default(string variable, string value)
    {
        await using var started = await StartAsync((variable, value));

        Assert.Single(started.Warnings, line => line.Contains(variable, StringComparison.Ordinal));
        Assert.DoesNotContain(started.Warnings, line => line.Contains("the-secret", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("always_off", "01", null, false, false)]
    [InlineData("always_on", "00", null, true, false)]
    [InlineData("always_off", "01", "true", true, true)]
    [InlineData("always_on", "00", "true", false, true)]
    public async Task A_strangers_traceparent_decides_nothing_unless_trusted(
        string sampler, string flags, string? trusted, bool isSampled, bool isContinued)
    {
        await using var started = await StartAsync(("OTEL_TRACES_SAMPLER", sampler), ("Telemetry:TrustTraceParent", trusted));
        using HttpClient client = new() { BaseAddress = started.Address };
        client.DefaultRequestHeaders.Add("traceparent", $"00-{StrangersTrace}-b7ad6b7169203331-{flags}");

        var span = (await client.GetStringAsync("/", Cancel)).Split(' ');

        Assert.Equal((isSampled.ToString(), isContinued), (span[1], span[0] == StrangersTrace));
    }

    /// <summary>Else the figures of two replicas would be taken for those of one.</summary>
    [Fact]
    public async Task Each_process_has_an_id_of_its_own_unless_it_is_given_one()
    {
        await using var first = await StartAsync();
        await using var second = await StartAsync();
        await using var named = await StartAsync(("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=pod-7"), ("OTEL_SERVICE_NAME", "api"));

        Assert.NotEqual(AttributeOf(first, "service.instance.id"), AttributeOf(second, "service.instance.id"));
        Assert.Equal("pod-7", AttributeOf(named, "service.instance.id"));
        Assert.Equal("api", AttributeOf(named, "service.name"));

        static object AttributeOf(Started started, string name) => started.App.Services.GetRequiredService<MeterProvider>()
            .GetResource().Attributes.Single(attribute => attribute.Key == name).Value;
    }

    private static async Task<Started> StartAsync(params (string Name, string? Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:9";
        foreach (var (name, value) in settings)
        {
            builder.Configuration[name] = value;
        }

        Started started = new();
        builder.Logging.ClearProviders().AddProvider(started);
        builder.AddServiceDefaults();
        started.App = builder.Build();
        started.App.Run(context => context.Response.WriteAsync($"{Activity.Current?.TraceId} {Activity.Current?.Recorded}"));
        await started.App.StartAsync(Cancel);
        return started;
    }

    private sealed class Started : ILoggerProvider, ILogger, IAsyncDisposable
    {
        public ConcurrentQueue<string> Warnings { get; } = [];

        public WebApplication App { get; set; } = null!;

        public Uri Address => new(App.Urls.Single());

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                Warnings.Enqueue(formatter(state, exception));
            }
        }

        public void Dispose()
        {
            // Nothing is open.
        }

        public ValueTask DisposeAsync() => App.DisposeAsync();
    }
}

using System.Diagnostics.Metrics;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Operations;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.Messaging.Broker;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Runs;

namespace TicketApp.Tests.Telemetry.Unit;

/// <summary>The tables of docs/telemetry.md are what the programs declare.</summary>
public sealed class TelemetryTableTests
{
    [Fact]
    public void Metrics_are_those_of_the_table()
    {
        List<string> declared = [];
        using MeterListener listener = new();
        using var provider = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var meters = provider.GetRequiredService<IMeterFactory>();
        listener.InstrumentPublished = (instrument, _) =>
        {
            // Others in this process may have meters of the same name.
            if (instrument.Meter.Scope == meters)
            {
                var unit = instrument.Unit is null ? "" : $"`{instrument.Unit}`";
                declared.Add($"`{instrument.Name}` | {Kind(instrument)} | {unit} | {instrument.Description}");
            }
        };
        listener.Start();

        _ = new TicketMetrics(meters);
        _ = new RunMetrics(meters, new ActiveRuns());
        _ = new BrokerMetrics(meters, []);
        using CachedQuery<ServiceStatistics> look = new(_ => throw new NotSupportedException());
        DispatchWindows windows = new(Options.Create(new DispatchOptions()), TimeProvider.System);
        using ServiceGauges gauges = new(
            meters, look, windows, null!, new LoopProgress(TimeProvider.System), NullLogger<ServiceGauges>.Instance);

        var documented = Documents.Table("docs/telemetry.md", "| instrument |")
            .Select(cells => $"{cells[0]} | {cells[1]} | {cells[2]} | {cells[4]}");
        Assert.Equal(declared.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Log_events_are_those_of_the_table()
    {
        Assembly[] programs =
        [
            typeof(TicketMetrics).Assembly,
            typeof(RunMetrics).Assembly,
            typeof(BrokerLoop).Assembly,
            typeof(SupervisedLoop).Assembly,
        ];
        var declared =
            from type in programs.SelectMany(program => program.GetTypes())
            from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            let message = method.GetCustomAttribute<LoggerMessageAttribute>()
            where message is not null
            select $"`{type.DeclaringType!.Name}` | {message.EventId} | {message.Level} | {message.Message}";

        var documented = Documents.Table("docs/telemetry.md", "| category |").Select(cells => string.Join(" | ", cells));
        Assert.Equal(declared.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    private static string Kind(Instrument instrument) => instrument.GetType().Name switch
    {
        "Counter`1" or "ObservableCounter`1" => "counter",
        "Histogram`1" => "histogram",
        "ObservableGauge`1" => "gauge",
        var other => other,
    };
}

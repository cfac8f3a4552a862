using System.Diagnostics.Metrics;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Operations;

/// <summary>
/// What the database knows of the whole service, as <c>GET /v1/stats</c> tells it, looked at every few seconds. Every replica tells the
/// same: take one of them, not their sum.
/// </summary>
internal sealed class ServiceGauges : DatabaseLoop
{
    private readonly CachedQuery<ServiceStatistics> _statistics;
    private volatile ServiceStatistics? _last;

    public ServiceGauges(
        IMeterFactory meters, CachedQuery<ServiceStatistics> statistics, DispatchWindows windows,
        DatabaseMigrator migrator, LoopProgress progress, ILogger<ServiceGauges> logger)
        : base("figures of the service", migrator, progress, logger)
    {
        _statistics = statistics;
        var meter = meters.Create(TelemetryNames.App);
        meter.CreateObservableGauge(
            "ticketapp.tickets.queued", () => ByModel(model => model.Queued),
            "{ticket}", "Tickets that wait for a slot or for their next attempt.");
        meter.CreateObservableGauge("ticketapp.tickets.running", () => ByModel(model => model.Running), "{ticket}", "Tickets that run.");
        meter.CreateObservableGauge(
            "ticketapp.tickets.oldest.age", () => ByModel(model => model.OldestAgeSeconds), "s", "Age of the oldest open ticket.");
        meter.CreateObservableGauge("ticketapp.workers", () => ByModel(model => model.Workers), "{worker}", "Workers that serve a model.");
        meter.CreateObservableGauge(
            "ticketapp.slots", () => ByModel(model => model.Slots), "{ticket}", "How many tickets of a model they run at once.");
        meter.CreateObservableCounter("ticketapp.tickets.finished", Finished, "{ticket}", "Tickets that have ended, by how.");
        meter.CreateObservableGauge(
            "ticketapp.dispatch.window",
            () => windows.All.Select(window => new Measurement<int>(window.Value.Size, Model(window.Key))),
            "{ticket}",
            "Maximum number of one model's tickets that may be dispatched at once.");
    }

    protected override TimeSpan PollInterval => TimeSpan.FromSeconds(5);

    protected override async Task WorkAsync(CancellationToken stoppingToken) => _last = await _statistics.GetAsync(stoppingToken);

    private static KeyValuePair<string, object?> Model(string model) => new("ticketapp.model", model);

    private IEnumerable<Measurement<T>> ByModel<T>(Func<ModelStatistics, T> figure)
        where T : struct =>
        _last?.Models.Select(model => new Measurement<T>(figure(model.Value), Model(model.Key))) ?? [];

    private IEnumerable<Measurement<long>> Finished()
    {
        foreach (var (model, statistics) in _last?.Models ?? new Dictionary<string, ModelStatistics>())
        {
            var ends = statistics.Finished;
            (string, long)[] byStatus =
            [
                ("succeeded", ends.Succeeded),
                ("failed", ends.Failed),
                ("timed_out", ends.TimedOut),
                ("expired", ends.Expired),
                ("canceled", ends.Canceled),
            ];
            foreach (var (status, count) in byStatus)
            {
                yield return new(count, Model(model), new("ticketapp.ticket.status", status));
            }
        }
    }
}

internal static class TelemetryServices
{
    /// <summary>Adds the metrics. The service's figures are looked at only where somebody receives them.</summary>
    public static IHostApplicationBuilder AddTicketMetrics(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<TicketMetrics>();
        if (builder.ExportsTelemetry())
        {
            builder.Services.AddHostedService<ServiceGauges>();
        }

        return builder;
    }
}

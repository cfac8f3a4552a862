using System.Diagnostics.Metrics;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Telemetry;

/// <summary>What this replica counts and times as it happens. docs/telemetry.md describes each instrument.</summary>
internal sealed class TicketMetrics
{
    private const string ModelKey = "ticketapp.model";

    private static readonly InstrumentAdvice<int> _counts =
        new() { HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] };

    private readonly Counter<long> _created;
    private readonly Counter<long> _retried;
    private readonly Counter<long> _expired;
    private readonly Counter<long> _late;
    private readonly Counter<long> _webhooks;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _queueDuration;
    private readonly Histogram<double> _runDuration;
    private readonly Histogram<double> _dispatchDuration;
    private readonly Histogram<int> _batchSize;

    public TicketMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(TelemetryNames.App);
        _created = meter.CreateCounter<long>("ticketapp.tickets.created", "{ticket}", "Tickets that were stored.");
        _retried = meter.CreateCounter<long>(
            "ticketapp.attempts.retried", "{attempt}", "Attempts that failed or were handed back, after which the ticket runs again.");
        _expired = meter.CreateCounter<long>(
            "ticketapp.leases.expired", "{ticket}", "Tickets returned to the backlog because their lease expired.");
        _late = meter.CreateCounter<long>("ticketapp.results.late", "{result}", "Results that came too late to count.");
        _webhooks = meter.CreateCounter<long>("ticketapp.webhooks.attempts", "{attempt}", "Attempts to deliver a webhook.");
        _duration = meter.CreateHistogram(
            "ticketapp.ticket.duration", "s", "From a ticket's creation to the result that ended it.", advice: Durations.Advice);
        _queueDuration = meter.CreateHistogram(
            "ticketapp.ticket.queue.duration", "s",
            "From a ticket's creation to the start of the run that ended it.", advice: Durations.Advice);
        _runDuration = meter.CreateHistogram(
            "ticketapp.ticket.run.duration", "s", "How long the run took that ended a ticket.", advice: Durations.Advice);
        _dispatchDuration = meter.CreateHistogram(
            "ticketapp.dispatch.duration", "s", "From a dispatch's commit until the broker has confirmed it.", advice: Durations.Advice);
        _batchSize = meter.CreateHistogram("ticketapp.batch.size", "{item}", "How many shared a statement.", advice: _counts);
    }

    public void Created(string model, int count) => _created.Add(count, new KeyValuePair<string, object?>(ModelKey, model));

    /// <summary>A worker's report ended a ticket.</summary>
    public void Ended(string model, string status, TimeSpan age, TimeSpan run)
    {
        KeyValuePair<string, object?> ofModel = new(ModelKey, model);
        KeyValuePair<string, object?> withStatus = new("ticketapp.ticket.status", status);
        _duration.Record(age.TotalSeconds, ofModel, withStatus);
        _queueDuration.Record(Math.Max(0, (age - run).TotalSeconds), ofModel, withStatus);
        _runDuration.Record(run.TotalSeconds, ofModel, withStatus);
    }

    public void Retried(string model, int count) => _retried.Add(count, new KeyValuePair<string, object?>(ModelKey, model));

    public void LeasesExpired(string model, int count) => _expired.Add(count, new KeyValuePair<string, object?>(ModelKey, model));

    public void Late(int count) => _late.Add(count);

    /// <summary>A webhook was tried.</summary>
    /// <param name="outcome">delivered, failed or dead.</param>
    public void WebhookTried(string outcome) => _webhooks.Add(1, new KeyValuePair<string, object?>("ticketapp.webhook.outcome", outcome));

    public void Dispatched(TimeSpan duration) => _dispatchDuration.Record(duration.TotalSeconds);

    /// <summary>A batch was served.</summary>
    /// <param name="work">What it did, as its span is named.</param>
    /// <param name="size">How many it served.</param>
    public void Batched(string work, int size) => _batchSize.Record(size, new KeyValuePair<string, object?>("ticketapp.work", work));
}

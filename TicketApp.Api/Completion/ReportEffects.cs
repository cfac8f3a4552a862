using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;

namespace TicketApp.Api.Completion;

/// <summary>What applied reports mean for the rest of this replica, once they are committed.</summary>
internal sealed class ReportEffects(
    Dispatcher dispatcher,
    ErrorOutbox errors,
    OpenTickets open,
    RunTimes runTimes,
    CancellationPublisher stops,
    TicketObservers observers,
    TicketMetrics metrics)
{
    /// <summary>Tells all whom it concerns.</summary>
    public void Follow(ReportOutcome outcome)
    {
        observers.Ended(outcome.Ended);
        if (outcome.HasErrors)
        {
            errors.Wake();
        }

        if (outcome.Late > 0)
        {
            metrics.Late(outcome.Late);
        }

        open.Add(-outcome.Ended.Count);
        stops.Stop(outcome.Canceled, repeatFor: TimeSpan.Zero);
        foreach (var (ticket, model, run) in outcome.Ended)
        {
            metrics.Ended(model, TicketStatusNames.Of(ticket.Status), ticket.Age, run);
            if (ticket.Status == TicketStatus.Succeeded)
            {
                runTimes.Of(model).Add((int)run.TotalMilliseconds);
            }
        }

        foreach (var (model, count) in outcome.Returned)
        {
            metrics.Retried(model, count);
            dispatcher.BacklogGrew(model);
        }

        foreach (var (model, count) in outcome.Left)
        {
            dispatcher.SlotsFreed(model, count);
        }
    }
}

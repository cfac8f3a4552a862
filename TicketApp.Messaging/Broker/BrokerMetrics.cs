using System.Diagnostics.Metrics;
using TicketApp.ServiceDefaults;

namespace TicketApp.Messaging.Broker;

/// <summary>What is measured of the broker loops of a process.</summary>
public sealed class BrokerMetrics
{
    /// <summary>Declares the instruments.</summary>
    public BrokerMetrics(IMeterFactory meters, IEnumerable<BrokerLoop> loops)
    {
        BrokerLoop[] all = [.. loops];
        meters.Create(TelemetryNames.App).CreateObservableCounter(
            "ticketapp.broker.restarts",
            () => all.Select(loop => new Measurement<long>(loop.Restarts, new KeyValuePair<string, object?>("ticketapp.loop", loop.Name))),
            "{restart}",
            "How often a consumer or publisher lost its connection, or could not make one.");
    }
}

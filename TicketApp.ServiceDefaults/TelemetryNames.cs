namespace TicketApp.ServiceDefaults;

/// <summary>Under which names the app's own telemetry goes out.</summary>
public static class TelemetryNames
{
    /// <summary>The source of the app's own spans, and its meter.</summary>
    public const string App = "TicketApp";
}

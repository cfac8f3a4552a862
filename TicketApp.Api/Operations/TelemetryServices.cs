using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Operations;

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

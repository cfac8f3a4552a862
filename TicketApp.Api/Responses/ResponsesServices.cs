using TicketApp.Messaging.Broker;

namespace TicketApp.Api.Responses;

internal static class ResponsesServices
{
    /// <summary>Adds the consumer of what workers report, and what applies it.</summary>
    public static IServiceCollection AddResponses(this IServiceCollection services) =>
        services
            .AddSingleton<ReportStore>()
            .AddSingleton<PendingReports>()
            .AddHostedService<ReportApplier>()
            .AddHostedService<ReportProbe>()
            .AddBrokerLoop<ReportConsumer>();
}

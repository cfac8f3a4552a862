using TicketApp.Contracts.Broker;

namespace TicketApp.Api.Responses;

internal static class ResponsesServices
{
    /// <summary>Adds the consumer of what workers report.</summary>
    public static IServiceCollection AddResponses(this IServiceCollection services) =>
        services.AddSingleton<ReportStore>().AddBrokerLoop<ResponsesConsumer>();
}

using Microsoft.Extensions.Options;
using TicketApp.Api.Completion;
using TicketApp.Api.Dispatch;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

internal static class TicketServices
{
    public static IServiceCollection AddTickets(this IServiceCollection services)
    {
        services.AddOptions<TicketOptions>().BindConfiguration(TicketOptions.SectionName).ValidateOnStart();
        return services
            .AddSingleton<IValidateOptions<TicketOptions>, TicketOptionsValidator>()
            .AddSingleton<SucceededTickets>()
            .AddSingleton<ITicketObserver>(provider => provider.GetRequiredService<SucceededTickets>())
            .AddSingleton<TicketCanceler>()
            .AddSingleton<TicketRemover>()
            .AddSingleton<TicketStore>()
            .AddSingleton<TicketCreator>()
            .AddSingleton<TicketRetrier>()
            .AddSingleton<TicketSummaryReader>()
            .AddSingleton<TicketRecordReader>()
            .AddSingleton<CreateTicketReader>()
            .AddSingleton<TicketPresenter>()
            .AddSingleton<TicketSubmitter>()
            .AddSingleton<IdempotencyStore>()
            .AddHostedService(provider => provider.GetRequiredService<IdempotencyStore>())
            .AddExpiry(provider => IdempotencyStore.Expiry(provider.GetRequiredService<IOptions<TicketOptions>>().Value))
            .AddHostedService(provider => provider.GetRequiredService<TicketCreator>())
            .AddHostedService(provider => provider.GetRequiredService<TicketRetrier>())
            .AddHostedService(provider => provider.GetRequiredService<TicketSummaryReader>())
            .AddHostedService(provider => provider.GetRequiredService<TicketRecordReader>());
    }
}

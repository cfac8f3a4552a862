using Microsoft.Extensions.Options;

namespace TicketApp.Api.Dispatch;

internal static class DispatchServices
{
    /// <summary>Adds the windows, the dispatcher and the publisher of dispatched tickets.</summary>
    public static IServiceCollection AddDispatch(this IServiceCollection services)
    {
        services.AddOptions<DispatchOptions>().BindConfiguration(DispatchOptions.SectionName).ValidateOnStart();
        return services
            .AddSingleton<IValidateOptions<DispatchOptions>, DispatchOptionsValidator>()
            .AddSingleton<OpenTicketLimit>()
            .AddSingleton<ConcurrencyLimit>()
            .AddSingleton<DispatchWindows>()
            .AddSingleton<RunTimes>()
            .AddSingleton<DispatchStore>()
            .AddSingleton<DispatchPause>()
            .AddSingleton<BacklogStore>()
            .AddSingleton<BacklogView>()
            .AddSingleton<QueuePositions>()
            .AddSingleton<OpenTickets>()
            .AddSingleton<TicketPublisher>()
            .AddSingleton<Dispatcher>()
            .AddHostedService(provider => provider.GetRequiredService<TicketPublisher>())
            .AddHostedService(provider => provider.GetRequiredService<Dispatcher>())
            .AddHostedService<OpenTicketCounter>();
    }
}

namespace TicketApp.Api.Cancellation;

internal static class CancellationServices
{
    /// <summary>Adds what cancels tickets and tells workers of it.</summary>
    public static IServiceCollection AddCancellation(this IServiceCollection services) =>
        services
            .AddSingleton<TicketCanceler>()
            .AddSingleton<CancellationPublisher>()
            .AddHostedService(provider => provider.GetRequiredService<CancellationPublisher>());
}

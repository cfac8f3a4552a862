namespace TicketApp.Api.Backlog;

internal static class BacklogServices
{
    /// <summary>Adds what is known of tickets that wait: positions, estimates, reasons.</summary>
    public static IServiceCollection AddBacklog(this IServiceCollection services) =>
        services.AddSingleton<BacklogStore>().AddSingleton<BacklogView>().AddSingleton<QueuePositions>();
}

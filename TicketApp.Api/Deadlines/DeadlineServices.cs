namespace TicketApp.Api.Deadlines;

internal static class DeadlineServices
{
    /// <summary>Adds the sweeps over deadlines and leases.</summary>
    public static IServiceCollection AddDeadlines(this IServiceCollection services) =>
        services.AddSingleton<LeaseClock>().AddSingleton<RescueStore>().AddHostedService<Rescuer>();
}

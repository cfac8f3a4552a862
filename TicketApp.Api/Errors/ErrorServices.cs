namespace TicketApp.Api.Errors;

internal static class ErrorServices
{
    /// <summary>Adds the sender of messages to "errors".</summary>
    public static IServiceCollection AddErrors(this IServiceCollection services) =>
        services.AddSingleton<ErrorOutbox>().AddHostedService(provider => provider.GetRequiredService<ErrorOutbox>());
}

using Microsoft.Extensions.Options;

namespace TicketApp.Api.Storage;

internal static class RetentionServices
{
    /// <summary>Adds the removal of finished tickets.</summary>
    public static IServiceCollection AddRetention(this IServiceCollection services)
    {
        services.AddOptions<RetentionOptions>().BindConfiguration(RetentionOptions.SectionName).ValidateOnStart();
        return services
            .AddSingleton<IValidateOptions<RetentionOptions>, RetentionOptionsValidator>()
            .AddSingleton<PurgeStore>()
            .AddHostedService<Purger>();
    }
}

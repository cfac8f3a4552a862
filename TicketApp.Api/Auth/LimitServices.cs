using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace TicketApp.Api.Auth;

internal static class LimitServices
{
    /// <summary>Adds the limits of one caller. Those that are off cost nothing.</summary>
    public static IServiceCollection AddLimits(this IServiceCollection services)
    {
        services.AddOptions<LimitOptions>()
            .Configure<IOptions<AccessOptions>>((limits, access) =>
            {
                if (access.Value.RequiresKeys)
                {
                    limits.LimitUsers();
                }
            })
            .BindConfiguration(LimitOptions.SectionName)
            .ValidateOnStart();
        return services
            .AddSingleton<IValidateOptions<LimitOptions>, LimitOptionsValidator>()
            .AddSingleton<RequestLimit>()
            .AddSingleton<ByteLimit>()
            .AddRateLimiter(_ => { });
    }

    /// <summary>Refuses requests over the limit with 429, and says in each answer what is left.</summary>
    public static void UseLimits(this WebApplication app)
    {
        if (app.Services.GetRequiredService<IOptions<LimitOptions>>().Value.RequestsPerSecond == 0)
        {
            return;
        }

        var limit = app.Services.GetRequiredService<RequestLimit>();
        app.Use((context, next) =>
        {
            if (!RequestLimit.HasRefused(context))
            {
                return next(context);
            }

            limit.Refuse(context);
            return Task.CompletedTask;
        });
        app.UseRateLimiter(new RateLimiterOptions
        {
            GlobalLimiter = limit.Limiter,
            OnRejected = (rejected, _) =>
            {
                limit.Refuse(rejected.HttpContext);
                return ValueTask.CompletedTask;
            },
        });
        app.Use((context, next) =>
        {
            limit.Describe(context);
            return next(context);
        });
    }
}

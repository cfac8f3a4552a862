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
        app.UseRateLimiter(new RateLimiterOptions
        {
            GlobalLimiter = limit.Limiter,
            RejectionStatusCode = StatusCodes.Status429TooManyRequests,
            OnRejected = (rejected, _) =>
            {
                limit.Describe(rejected.HttpContext);
                rejected.HttpContext.Response.Headers.RetryAfter = "1";
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

using Microsoft.AspNetCore.Http.HttpResults;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Operations;

internal static class StatisticsEndpoints
{
    private static readonly TimeSpan _minPause = TimeSpan.FromSeconds(1);

    public static IServiceCollection AddStatistics(this IServiceCollection services) =>
        services
            .AddSingleton<TotalsStore>()
            .AddHostedService<TotalsCounter>()
            .AddSingleton<StatisticsStore>()
            .AddSingleton(provider =>
                new CachedQuery<ServiceStatistics>(provider.GetRequiredService<StatisticsStore>().QueryAsync, _minPause));

    /// <summary>Maps how the service is doing.</summary>
    public static RouteGroupBuilder MapStatistics(this RouteGroupBuilder v1)
    {
        // Numbers of all users together. What scales the workers reads them, and has no key.
        v1.MapGet("/stats", GetAsync).Produces<ServiceStatistics>().WithoutKey().Describe(
            "getStatistics", ApiTags.Statistics, "How the service is doing",
            "Numbers of all users together, counted at most once a second.");
        return v1;
    }

    private static async Task<Utf8ContentHttpResult> GetAsync(
        CachedQuery<ServiceStatistics> statistics, CancellationToken cancellationToken) =>
        ApiJson.Ok(await statistics.GetAsync(cancellationToken), OperationsJson.Default.ServiceStatistics);
}

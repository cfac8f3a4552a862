using Microsoft.EntityFrameworkCore;

namespace MassTransitBaseline;

internal static class DatabaseSetup
{
    public static void AddTicketsDatabase(this WebApplicationBuilder builder)
    {
        // Fewer connections than PostgreSQL's default of 100, which others share: more would wait for each other there.
        // Contexts are pooled, and change tracking is on only where a row is added.
        builder.Services.AddDbContextPool<TicketsContext>(options => options
            .UseNpgsql(
                builder.Configuration.GetConnectionString("tickets")
                + ";Max Auto Prepare=20;Auto Prepare Min Usages=2;No Reset On Close=true;Maximum Pool Size=32")
            .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking)
            .EnableThreadSafetyChecks(false));
        builder.Services.AddHealthChecks();
    }

    public static async Task CreateSchemaAsync(this WebApplication app)
    {
        await using var scope = app.Services.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<TicketsContext>().Database.EnsureCreatedAsync();
    }
}

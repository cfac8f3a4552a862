using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace WolverineBaseline;

internal static class DatabaseSetup
{
    /// <summary>Of the tables of inbox and outbox.</summary>
    public const string MessagesSchema = "wolverine";

    /// <returns>The connections, which inbox and outbox use too.</returns>
    public static NpgsqlDataSource AddTicketsDatabase(this WebApplicationBuilder builder)
    {
        // Fewer connections than PostgreSQL's default of 100, which others share: more would wait for each other there.
        // The inbox is written by statements of many lengths, each of which is prepared. No Reset On Close: locks are released by name.
        var database = NpgsqlDataSource.Create(
            builder.Configuration.GetConnectionString("tickets")
            + ";Max Auto Prepare=200;Auto Prepare Min Usages=2;No Reset On Close=true;Maximum Pool Size=32");
        // Contexts are pooled, and change tracking is on only where a row is added.
        builder.Services.AddDbContextPool<TicketsContext>(options => options
            .UseNpgsql(database)
            .UseQueryTrackingBehavior(QueryTrackingBehavior.NoTracking)
            .EnableThreadSafetyChecks(false));
        return database;
    }

    public static async Task CreateSchemaAsync(this WebApplication app)
    {
        await using var scope = app.Services.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<TicketsContext>().Database.EnsureCreatedAsync();
    }
}

using Npgsql;

namespace TicketApp.Api.Database;

internal static class DatabaseServices
{
    /// <summary>Adds the data source (connection string <c>tickets</c>), its health check and the migrations.</summary>
    public static IHostApplicationBuilder AddDatabase(this IHostApplicationBuilder builder)
    {
        builder.AddNpgsqlDataSource("tickets", configureDataSourceBuilder: source => Tune(source.ConnectionStringBuilder));
        builder.Services
            .AddSingleton<DatabaseMigrator>()
            .AddHostedService(provider => provider.GetRequiredService<DatabaseMigrator>());
        builder.Services.AddHealthChecks().AddCheck<SchemaHealthCheck>("schema");
        return builder;
    }

    /// <summary>Answers 503 until the schema is there: nothing is served from a database that this release does not know.</summary>
    public static IApplicationBuilder UseSchemaGate(this IApplicationBuilder app)
    {
        var ready = app.ApplicationServices.GetRequiredService<DatabaseMigrator>().Ready;
        return app.Use((context, next) => ready.IsCompletedSuccessfully ? next(context) : throw new TimeoutException("The schema is not ready."));
    }

    private static void Tune(NpgsqlConnectionStringBuilder connection)
    {
        // All statements are few and fixed: parse and plan each once a connection.
        connection.MaxAutoPrepare = 40;
        connection.AutoPrepareMinUsages = 2;
        // A caller is told 503 within seconds when the server hangs.
        connection.Timeout = 5;
        connection.CommandTimeout = 10;
    }
}

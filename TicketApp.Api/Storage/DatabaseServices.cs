using Azure.Core;
using Azure.Identity;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;
using TicketApp.Messaging.Tracing;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Storage;

internal static class DatabaseServices
{
    // Each statement is planned once a connection and then used for as long as that lives; the first ones are planned when the
    // tables are still empty, and a plan that reads a whole table would stay, or one that gathers and sorts all of a user's tickets for the
    // first few. All of them look up a few rows by an index, in its order.
    private const string PlanningSql =
        "set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set enable_bitmapscan = off; "
        + "set plan_cache_mode = force_generic_plan; set jit = off";

    private const int MaxPool = 25;

    /// <summary>
    /// Adds the data source (connection string <c>tickets</c>), its health check and the migrations, which have a role of their own where
    /// there is a connection string <c>migrations</c>.
    /// </summary>
    public static IHostApplicationBuilder AddDatabase(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<DatabaseOptions>().BindConfiguration(DatabaseOptions.SectionName).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<DatabaseOptions>, DatabaseOptionsValidator>();
        // Finds the identity where the platform says that there is one: of the container app, of the pod, or of a person at az.
        TokenCredential? credential =
            builder.Configuration["Database:SignIn"] == DatabaseOptions.Entra ? new DefaultAzureCredential() : null;
        builder.RequireConnectionString("tickets", Check);
        builder.AddNpgsqlDataSource(
            "tickets",
            settings => settings.DisableTracing = settings.DisableMetrics = !builder.ExportsTelemetry(),
            SetUp);
        if (builder.Configuration.GetConnectionString(DatabaseMigrator.Source) is { Length: > 0 } migrations)
        {
            builder.RequireConnectionString(DatabaseMigrator.Source, Check);
            builder.Services.AddKeyedSingleton(DatabaseMigrator.Source, (_, _) =>
            {
                NpgsqlDataSourceBuilder source = new(migrations);
                SetUp(source);
                return source.Build();
            });
        }
        else
        {
            builder.Services.AddKeyedSingleton(DatabaseMigrator.Source, (services, _) => services.GetRequiredService<NpgsqlDataSource>());
        }

        builder.Services
            .AddActivatedSingleton<DatabaseFaults>()
            .AddSingleton<DatabaseMigrator>()
            .AddHostedService(provider => provider.GetRequiredService<DatabaseMigrator>());
        builder.Services.AddHealthChecks().AddCheck<SchemaHealthCheck>("schema");
        return builder;

        void Check(string connection)
        {
            NpgsqlDataSource.Create(connection).Dispose();
            if (credential is not null)
            {
                EntraSignIn.RequireVerifiedServer(connection);
            }
        }

        void SetUp(NpgsqlDataSourceBuilder source)
        {
            Tune(source);
            if (credential is not null)
            {
                source.UseTokens(credential);
            }
        }
    }

    /// <summary>Answers 503 until the schema is there: nothing is served from a database that this release does not know.</summary>
    public static IApplicationBuilder UseSchemaGate(this IApplicationBuilder app)
    {
        var ready = app.ApplicationServices.GetRequiredService<DatabaseMigrator>().Ready;
        return app.Use((context, next) =>
            ready.IsCompletedSuccessfully
                ? next(context)
                : throw new TimeoutException("The schema is not ready."));
    }

    /// <summary>Sets up connections the way the statements of this program want them.</summary>
    public static void Tune(NpgsqlDataSourceBuilder source)
    {
        source.UsePhysicalConnectionInitializer(SetPlanning, SetPlanningAsync);
        // Statements begin no traces (RequestSampler); asking the sampler for each costs more than to look first.
        source.ConfigureTracing(tracing => tracing.ConfigureCommandFilter(_ => TicketTrace.Current is not null));
        var connection = source.ConnectionStringBuilder;
        // All statements are few and fixed: parse and plan each once a connection.
        connection.MaxAutoPrepare = 40;
        connection.AutoPrepareMinUsages = 2;
        // Nothing here leaves anything in a session that the next user of the connection would trip over.
        connection.NoResetOnClose = true;
        // Nearly all calls share a few connections. The others wait for each other rather than take all that the server has, which other
        // replicas need.
        connection.MaxPoolSize = Math.Min(connection.MaxPoolSize, MaxPool);
        // A caller is told 503 within seconds when the server hangs.
        connection.Timeout = 5;
        connection.CommandTimeout = 10;
        if (connection.Host?.Contains(',', StringComparison.Ordinal) == true)
        {
            connection.TargetSessionAttributes ??= "read-write";
            // Which host takes writes is asked again after a failure (DatabaseFaults) and not by time: at each look a host that is gone
            // without refusing connections would hold up every request for as long as a connection may take.
            connection.HostRecheckSeconds = 3600;
        }
    }

    private static void SetPlanning(NpgsqlConnection connection)
    {
        using NpgsqlCommand command = new(PlanningSql, connection);
        command.ExecuteNonQuery();
    }

    private static async Task SetPlanningAsync(NpgsqlConnection connection)
    {
        await using NpgsqlCommand command = new(PlanningSql, connection);
        await command.ExecuteNonQueryAsync();
    }
}

/// <summary>Healthy once the schema is up to date.</summary>
internal sealed class SchemaHealthCheck(DatabaseMigrator migrator) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(migrator.Ready.IsCompletedSuccessfully
            ? HealthCheckResult.Healthy()
            : new HealthCheckResult(
                context.Registration.FailureStatus,
                $"The schema is not up to date yet{(migrator.FailureReason is { } reason ? $": {reason}" : "")}."));
}

using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Native;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace Aspire.Hosting;

public static class PostgresBuilderExtensions
{
    public static IResourceBuilder<PostgresServerResource> AddPostgres(
        this IDistributedApplicationBuilder builder,
        string name,
        IResourceBuilder<ParameterResource>? userName = null,
        IResourceBuilder<ParameterResource>? password = null,
        int? port = null)
    {
        var server = new PostgresServerResource(
            name,
            userName?.Resource,
            password?.Resource ?? ParameterResourceBuilderExtensions.CreateDefaultPassword(builder, $"{name}-password", special: true));
        builder.Eventing.Subscribe<ResourceReadyEvent>(server, (_, cancellationToken) => PostgresDatabases.CreateAsync(server, cancellationToken));

        // The database "postgres" is there from the start: its own ones are made when it is healthy.
        AddHealthCheck(builder, $"{name}_check", async ct => $"{await server.GetConnectionStringAsync(ct)};Database=postgres");

        return builder.AddResource(server)
            .WithAnnotation(new NativeServerAnnotation(new PostgresServer()))
            .WithEndpoint(port: port, targetPort: 5432, name: PostgresServerResource.PrimaryEndpointName)
            .WithImage("library/postgres", "18.3")
            .WithImageRegistry("docker.io")
            .WithEnvironment(context =>
            {
                if (context.ExecutionContext.IsPublishMode)
                {
                    // Of the image's own kind, which a native server has no use for.
                    context.EnvironmentVariables["POSTGRES_HOST_AUTH_METHOD"] = "scram-sha-256";
                    context.EnvironmentVariables["POSTGRES_INITDB_ARGS"] = "--auth-host=scram-sha-256 --auth-local=scram-sha-256";
                }

                context.EnvironmentVariables[PostgresServer.UserVariable] = server.UserNameReference;
                context.EnvironmentVariables[PostgresServer.PasswordVariable] = server.PasswordParameter;
            })
            .WithHealthCheck($"{name}_check");
    }

    public static IResourceBuilder<PostgresDatabaseResource> AddDatabase(
        this IResourceBuilder<PostgresServerResource> builder,
        string name,
        string? databaseName = null)
    {
        var database = new PostgresDatabaseResource(name, databaseName ?? name, builder.Resource);
        builder.Resource.AddDatabase(name, database.DatabaseName);
        AddHealthCheck(builder.ApplicationBuilder, $"{name}_check", ct => database.ConnectionStringExpression.GetValueAsync(ct));
        return builder.ApplicationBuilder.AddResource(database).WithHealthCheck($"{name}_check");
    }

    public static IResourceBuilder<PostgresServerResource> WithDataVolume(
        this IResourceBuilder<PostgresServerResource> builder,
        string? name = null,
        bool isReadOnly = false) =>
        builder.WithVolume(name ?? VolumeNameGenerator.Generate(builder, "data"), "/var/lib/postgresql", isReadOnly);

    private static void AddHealthCheck(IDistributedApplicationBuilder builder, string key, Func<CancellationToken, ValueTask<string?>> connectionString) =>
        builder.Services.AddHealthChecks().AddAsyncCheck(key, async cancellationToken =>
        {
            try
            {
                await using var connection = new NpgsqlConnection($"{await connectionString(cancellationToken)};Pooling=false;Timeout=5");
                await connection.OpenAsync(cancellationToken);
                await using var command = new NpgsqlCommand("SELECT 1", connection);
                await command.ExecuteScalarAsync(cancellationToken);
                return HealthCheckResult.Healthy();
            }
            catch (NpgsqlException e)
            {
                return HealthCheckResult.Unhealthy(e.Message);
            }
        });
}

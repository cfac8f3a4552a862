using TicketApp.AppHost.Deployment;

namespace TicketApp.AppHost.Servers;

/// <summary>The database and the broker: containers, native processes, or somewhere else at a connection string.</summary>
internal static class ServerResources
{
    public const string DatabaseName = "tickets";
    public const string BrokerName = "rabbitmq";

    private const string PostgresName = "postgres";

    public static IResourceBuilder<IResourceWithConnectionString> AddTicketsDatabase(
        this IDistributedApplicationBuilder builder, DeploymentOptions deployment, ServerOptions servers)
    {
        if (deployment.ExternalPostgres)
        {
            return builder.AddConnectionString(DatabaseName);
        }

        var password = builder.AddPassword("postgres-password");
        if (servers.IsNative)
        {
            return builder.AddNativePostgres(PostgresName, servers.Data, password, DatabaseName);
        }

        if (deployment.Target == DeploymentTarget.Azure)
        {
            return builder.AddFlexibleServer(password);
        }

        var postgres = builder.AddPostgres(PostgresName, password: password).WithDataVolume(builder.VolumeName(PostgresName));
        if (builder.ExecutionContext.IsPublishMode)
        {
            // AddDatabase makes the database when it runs; a published server makes the one that its image is told.
            // Connections: every replica of the Api may have some dozens.
            postgres.WithEnvironment("POSTGRES_DB", DatabaseName).WithArgs("-c", "max_connections=300");
        }

        return postgres.AddDatabase(DatabaseName);
    }

    public static IResourceBuilder<IResourceWithConnectionString> AddBroker(
        this IDistributedApplicationBuilder builder, DeploymentOptions deployment, ServerOptions servers)
    {
        if (deployment.ExternalRabbitMq)
        {
            return builder.AddConnectionString(BrokerName);
        }

        var user = builder.AddParameter("rabbitmq-username", "ticketapp", publishValueAsDefault: true);
        var password = builder.AddPassword("rabbitmq-password");
        if (servers.IsNative)
        {
            return builder.AddNativeRabbitMQ(BrokerName, servers.Data, user, password);
        }

        var rabbitmq = builder.AddRabbitMQ(BrokerName, user, password)
            .WithManagementPlugin()
            .WithDataVolume(builder.VolumeName(BrokerName));
        if (builder.ExecutionContext.IsPublishMode)
        {
            // The store is kept under the node's name, which is a pod's or container's random host name unless it is said.
            rabbitmq.WithEnvironment("RABBITMQ_NODENAME", "rabbitmq@localhost");
        }

        return rabbitmq;
    }

    /// <summary>Letters and digits only: published manifests put passwords into amqp:// and postgresql:// URIs unescaped.</summary>
    public static IResourceBuilder<ParameterResource> AddPassword(this IDistributedApplicationBuilder builder, string name) =>
        builder.AddParameter(name, new GenerateParameterDefault { MinLength = 32, Special = false }, secret: true, persist: true);

    /// <summary>Fixed where a claim has to find it, else one for each clone of the repository.</summary>
    private static string? VolumeName(this IDistributedApplicationBuilder builder, string server) =>
        builder.ExecutionContext.IsPublishMode ? $"ticketapp-{server}-data" : null;
}

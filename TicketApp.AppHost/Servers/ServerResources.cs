using Npgsql;
using TicketApp.AppHost.Deployment;

namespace TicketApp.AppHost.Servers;

/// <summary>
/// The database and the broker: containers, native processes, or somewhere else at a connection string. The Api's role owns the schema and
/// is no superuser; at the broker, the Api and the workers have an account each.
/// </summary>
internal static class ServerResources
{
    public const string DatabaseName = "tickets";
    public const string BrokerName = "rabbitmq";

    public const string PostgresName = "postgres";

    /// <summary>The Api's role, as <c>postgres-role.sql</c> makes it.</summary>
    public const string Role = "ticketapp";

    /// <summary>The version of PostgreSQL's image. Aspire's default is older than 18.4, which fixed eleven vulnerabilities.</summary>
    public const string PostgresVersion = "18.6";

    /// <summary>The workers' account, as <c>rabbitmq-accounts.json</c> makes it.</summary>
    private const string WorkerAccount = "worker";

    public static IResourceBuilder<IResourceWithConnectionString> AddTicketsDatabase(
        this IDistributedApplicationBuilder builder, DeploymentOptions deployment, ServerOptions servers)
    {
        if (deployment.ExternalPostgres)
        {
            return builder.AddConnectionString(DatabaseName);
        }

        var password = builder.AddPassword("postgres-password");
        var rolePassword = builder.AddPassword("tickets-password");
        if (deployment.Target == DeploymentTarget.Azure)
        {
            return builder.AddFlexibleServer(password, rolePassword);
        }

        if (servers.IsNative)
        {
            var native = builder.AddNativePostgres(PostgresName, servers.Data, password, rolePassword);
            return Tickets(native.Resource.Endpoint).WaitFor(native);
        }

        var postgres = builder.AddPostgres(PostgresName, password: password)
            .WithImageTag(PostgresVersion)
            .WithDataVolume(builder.VolumeName(PostgresName));
        var database = postgres.AddDatabase($"{DatabaseName}-database", DatabaseName);
        if (builder.ExecutionContext.IsPublishMode)
        {
            // AddDatabase makes the database when it runs; a published server makes the one that its image is told.
            // Connections: every replica of the Api may have some dozens.
            postgres.WithEnvironment("POSTGRES_DB", DatabaseName).WithEnvironment("TICKETS_PASSWORD", rolePassword)
                .WithArgs("sh", "-c", ServerScripts.PostgresStart("max_connections=300"));
        }
        else
        {
            database.OnResourceReady(async (resource, _, cancel) =>
                await MakeRoleAsync(
                    (await resource.ConnectionStringExpression.GetValueAsync(cancel))!,
                    (await rolePassword.Resource.GetValueAsync(cancel))!,
                    cancel));
        }

        return Tickets(postgres.Resource.PrimaryEndpoint).WaitFor(database);

        IResourceBuilder<ConnectionStringResource> Tickets(EndpointReference server)
        {
            var tls = deployment.ServersHaveTls ? $";SSL Mode=VerifyFull;Root Certificate={ServerTls.AuthorityOf(PostgresName)}" : "";
            return builder.AddConnectionString(
                DatabaseName,
                ReferenceExpression.Create(
                    $"Host={Host(server)};Port={Port(server)};Username={Role};Password=\"{rolePassword}\";Database={DatabaseName}{tls}"));
        }
    }

    /// <returns>The connection strings of the Api and of the workers.</returns>
    public static (IResourceBuilder<IResourceWithConnectionString> Api, IResourceBuilder<IResourceWithConnectionString> Worker) AddBroker(
        this IDistributedApplicationBuilder builder, DeploymentOptions deployment, ServerOptions servers)
    {
        if (deployment.ExternalRabbitMq)
        {
            return (builder.AddConnectionString(BrokerName), builder.AddConnectionString($"{BrokerName}-{WorkerAccount}"));
        }

        var user = builder.AddParameter("rabbitmq-username", "ticketapp", publishValueAsDefault: true);
        var password = builder.AddPassword("rabbitmq-password");
        var workerPassword = builder.AddPassword($"rabbitmq-{WorkerAccount}-password");
        if (servers.IsNative)
        {
            var native = builder.AddNativeRabbitMQ(BrokerName, servers.Data, user, password, workerPassword);
            return (native, Worker(native.Resource.Endpoint).WaitFor(native));
        }

        // The default, 4.3, is another server with each patch.
        var rabbitmq = builder.AddRabbitMQ(BrokerName, user, password)
            .WithImageTag("4.3.6")
            .WithDataVolume(builder.VolumeName(BrokerName))
            .WithEnvironment("WORKER_PASSWORD", workerPassword)
            .WithArgs("sh", "-c", ServerScripts.RabbitMqStart(deployment.ServersHaveTls));
        if (builder.ExecutionContext.IsPublishMode)
        {
            // The store is kept under the node's name, which is a pod's or container's random host name unless it is said.
            rabbitmq.WithEnvironment("RABBITMQ_NODENAME", "rabbitmq@localhost");
        }

        var listener = rabbitmq.Resource.PrimaryEndpoint;
        if (deployment.ServersHaveTls)
        {
            // Without the management page, which speaks plain HTTP and which no account may see.
            rabbitmq.WithEndpoint(listener.EndpointName, endpoint => endpoint.TargetPort = ServerTls.BrokerPort);
            return (Account("api", ReferenceExpression.Create($"{user:uri}"), password, listener), Worker(listener));
        }

        return (rabbitmq.WithManagementPlugin(), Worker(listener).WaitFor(rabbitmq));

        IResourceBuilder<ConnectionStringResource> Worker(EndpointReference server) =>
            Account(WorkerAccount, ReferenceExpression.Create($"{WorkerAccount}"), workerPassword, server);

        IResourceBuilder<ConnectionStringResource> Account(
            string service, ReferenceExpression name, IResourceBuilder<ParameterResource> word, EndpointReference server)
        {
            var (scheme, authority) = deployment.ServersHaveTls
                ? ("amqps", $"?cacertfile={ServerTls.AuthorityOf(BrokerName)}")
                : ("amqp", "");
            return builder.AddConnectionString(
                $"{BrokerName}-{service}",
                ReferenceExpression.Create($"{scheme}://{name}:{word:uri}@{Host(server)}:{Port(server)}{authority}"));
        }
    }

    /// <summary>Letters and digits only: published manifests put passwords into amqp:// and postgresql:// URIs unescaped.</summary>
    public static IResourceBuilder<ParameterResource> AddPassword(this IDistributedApplicationBuilder builder, string name) =>
        builder.AddParameter(name, new GenerateParameterDefault { MinLength = 32, Special = false }, secret: true, persist: true);

    /// <summary>Native servers listen on 127.0.0.1 alone.</summary>
    private static EndpointReferenceExpression Host(EndpointReference server) => server.Property(EndpointProperty.IPV4Host);

    private static EndpointReferenceExpression Port(EndpointReference server) => server.Property(EndpointProperty.Port);

    /// <summary>Fixed where a claim has to find it, else one for each clone of the repository.</summary>
    private static string? VolumeName(this IDistributedApplicationBuilder builder, string server) =>
        builder.ExecutionContext.IsPublishMode ? $"ticketapp-{server}-data" : null;

    /// <summary>At each start, since the volume may be older than the password.</summary>
    private static async Task MakeRoleAsync(string superuser, string password, CancellationToken cancellationToken)
    {
        await using var server = NpgsqlDataSource.Create(superuser);
        await using var command = server.CreateCommand(ServerScripts.RoleSql(password));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

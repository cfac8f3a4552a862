using System.Globalization;
using Aspire.Hosting.Azure;
using Azure.Provisioning.AppContainers;
using Azure.Provisioning.Expressions;
using Azure.Provisioning.KeyVault;
using Azure.Provisioning.PostgreSql;
using TicketApp.AppHost.Servers;

namespace TicketApp.AppHost.Deployment;

/// <summary>Azure Container Apps, with PostgreSQL Flexible Server in place of the container.</summary>
internal static class AzureContainerApps
{
    private const string Administrator = "ticketapp_admin";

    /// <summary>
    /// With passwords, so that the connection string has the form that it has everywhere else. Key Vault holds it. The Api's role is not
    /// the administrator: the job <c>database-role</c> makes it.
    /// </summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddFlexibleServer(
        this IDistributedApplicationBuilder builder,
        IResourceBuilder<ParameterResource> password,
        IResourceBuilder<ParameterResource> rolePassword)
    {
        var administrator = builder.AddParameter("postgres-username", Administrator, publishValueAsDefault: true);
        var postgres = builder.AddAzurePostgresFlexibleServer("postgres")
            .WithPasswordAuthentication(administrator, password)
            .ConfigureInfrastructure(infrastructure =>
            {
                var server = infrastructure.GetProvisionableResources().OfType<PostgreSqlFlexibleServer>().Single();
                server.Sku = new PostgreSqlFlexibleServerSku
                {
                    Name = "Standard_D2ds_v5",
                    Tier = PostgreSqlFlexibleServerSkuTier.GeneralPurpose,
                };
                server.HighAvailability = new PostgreSqlFlexibleServerHighAvailability
                {
                    Mode = PostgreSqlFlexibleServerHighAvailabilityMode.ZoneRedundant,
                };
                server.Storage.AutoGrow = StorageAutoGrow.Enabled;
                // The Api's identity may read the whole vault, so what is the administrator's is not in it.
                var secrets = infrastructure.GetProvisionableResources().OfType<KeyVaultSecret>().ToLookup(secret => secret.Name.Value);
                infrastructure.Remove(secrets["connectionstrings--postgres"].Single());
                // The Api's role in place of the administrator, and the server's certificate verified: it is from a public authority.
                var secret = secrets[$"connectionstrings--{ServerResources.DatabaseName}"].Single();
                var (host, word) = (server.FullyQualifiedDomainName, rolePassword.AsProvisioningParameter(infrastructure));
                var (role, database) = (ServerResources.Role, ServerResources.DatabaseName);
                secret.Properties.Value = BicepFunction.Interpolate(
                    $"Host={host};Username={role};Password={word};Database={database};SSL Mode=VerifyFull");
            });
        // The image of Alpine has the certificates of public authorities, by which psql verifies the server's.
        builder.AddContainer("database-role", "docker.io/library/postgres", $"{ServerResources.PostgresVersion}-alpine")
            .WithArgs("sh", "-c", ServerScripts.MakeRole)
            .WithEnvironment("PGHOST", postgres.Resource.HostName)
            .WithEnvironment("PGUSER", administrator)
            .WithEnvironment("PGPASSWORD", password)
            .WithEnvironment("PGDATABASE", ServerResources.DatabaseName)
            .WithEnvironment("PGSSLMODE", "verify-full")
            .WithEnvironment("PGSSLROOTCERT", "system")
            .WithEnvironment("TICKETS_PASSWORD", rolePassword)
            .PublishAsAzureContainerAppJob();
        return postgres.AddDatabase(ServerResources.DatabaseName);
    }

    public static void DeployToAzure(
        this IDistributedApplicationBuilder builder,
        DeploymentOptions options,
        IResourceBuilder<ProjectResource> api,
        IResourceBuilder<ProjectResource> worker)
    {
        var environment = builder.AddAzureContainerAppEnvironment("aca");
        var domain = new BicepOutputReference("AZURE_CONTAINER_APPS_ENVIRONMENT_DEFAULT_DOMAIN", environment.Resource);

        // The certificate is one that the environment manages, which it makes only when the name leads to it: empty at first.
        var domainName = options.PublicHost is { } host ? builder.AddParameter("public-host", host, publishValueAsDefault: true) : null;
        var certificate = domainName is null ? null : builder.AddParameter("certificate-name", "", publishValueAsDefault: true);
        api.PublishAsAzureContainerApp((_, app) =>
        {
            SetResources(app, cpu: 0.5, memory: "1Gi", graceSeconds: 45);
            SetReplicas(app, options.MinApiReplicas, options.MaxApiReplicas);
            if (domainName is not null)
            {
                app.ConfigureCustomDomain(domainName, certificate!);
            }

            app.Template.Scale.Rules.Add(new ContainerAppScaleRule
            {
                Name = "http",
                Http = new ContainerAppHttpScaleRule { Metadata = { ["concurrentRequests"] = "100" } },
            });
        });

        worker.PublishAsAzureContainerApp((infrastructure, app) =>
        {
            SetResources(app, cpu: 0.5, memory: "1Gi", options.WorkerGraceSeconds);
            SetReplicas(app, options.MinWorkers, options.MaxWorkers);
            app.Template.Scale.PollingInterval = 10;
            app.Template.Scale.CooldownPeriod = 300;
            var stats = BicepFunction.Interpolate($"https://api.{domain.AsProvisioningParameter(infrastructure)}/v1/stats");
            app.Template.Scale.Rules.Add(new ContainerAppScaleRule
            {
                Name = "backlog",
                Custom = new ContainerAppCustomScaleRule
                {
                    CustomScaleRuleType = "metrics-api",
                    Metadata =
                    {
                        ["url"] = stats,
                        ["valueLocation"] = ServiceSettings.BacklogField,
                        ["targetValue"] = options.WorkerConcurrency.ToString(CultureInfo.InvariantCulture),
                    },
                },
            });
        });

        if (builder.Resources.OfType<RabbitMQServerResource>().SingleOrDefault() is { } broker)
        {
            DeployRabbitMq(builder.CreateResourceBuilder(broker));
        }
    }

    /// <summary>A compromise: one replica on a share of files. Production has a managed broker (Deployment:ExternalRabbitMq).</summary>
    private static void DeployRabbitMq(IResourceBuilder<RabbitMQServerResource> rabbitmq) => rabbitmq.PublishAsAzureContainerApp((_, app) =>
    {
        SetResources(app, cpu: 1, memory: "2Gi", graceSeconds: 120);
        SetReplicas(app, floor: 1, ceiling: 1); // Never two brokers on one store.
        foreach (var volume in app.Template.Volumes)
        {
            // The share knows no owners; the broker refuses a cookie that others may read.
            volume.Value!.MountOptions = "uid=999,gid=999,dir_mode=0700,file_mode=0600,nobrl,mfsymlinks";
        }
    });

    /// <summary>CPU and memory go in fixed pairs: 2 Gi for each core.</summary>
    private static void SetResources(ContainerApp app, double cpu, string memory, int graceSeconds)
    {
        app.Template.Containers[0].Value!.Resources = new AppContainerResources { Cpu = cpu, Memory = memory };
        app.Template.TerminationGracePeriodSeconds = graceSeconds;
    }

    private static void SetReplicas(ContainerApp app, int floor, int ceiling)
    {
        app.Template.Scale.MinReplicas = floor;
        app.Template.Scale.MaxReplicas = ceiling;
    }
}

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
    /// <summary>With a password, so that the connection string has the form that it has everywhere else. Key Vault holds it.</summary>
    public static IResourceBuilder<IResourceWithConnectionString> AddFlexibleServer(
        this IDistributedApplicationBuilder builder,
        IResourceBuilder<ParameterResource> password) =>
        builder.AddAzurePostgresFlexibleServer("postgres")
            .WithPasswordAuthentication(builder.AddParameter("postgres-username", "ticketapp", publishValueAsDefault: true), password)
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
                // Aspire's own text, and the server's certificate verified: it is from a public authority.
                var secret = infrastructure.GetProvisionableResources().OfType<KeyVaultSecret>()
                    .Single(secret => secret.Name.Value == $"connectionstrings--{ServerResources.DatabaseName}");
                var (host, user, word) = (server.FullyQualifiedDomainName, server.AdministratorLogin, server.AdministratorLoginPassword);
                secret.Properties.Value = BicepFunction.Interpolate(
                    $"Host={host};Username={user};Password={word};Database={ServerResources.DatabaseName};SSL Mode=VerifyFull");
            })
            .AddDatabase(ServerResources.DatabaseName);

    public static void DeployToAzure(
        this IDistributedApplicationBuilder builder,
        DeploymentOptions options,
        IResourceBuilder<IResourceWithConnectionString> rabbitmq,
        IResourceBuilder<ProjectResource> api,
        IResourceBuilder<ProjectResource> worker)
    {
        var environment = builder.AddAzureContainerAppEnvironment("aca");
        var domain = new BicepOutputReference("AZURE_CONTAINER_APPS_ENVIRONMENT_DEFAULT_DOMAIN", environment.Resource);

        api.PublishAsAzureContainerApp((_, app) =>
        {
            SetResources(app, cpu: 0.5, memory: "1Gi", graceSeconds: 45);
            SetReplicas(app, options.MinApiReplicas, options.MaxApiReplicas);
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

        if (rabbitmq.Resource is RabbitMQServerResource broker)
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

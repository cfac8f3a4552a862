using System.Globalization;
using Aspire.Hosting.Docker.Resources.ComposeNodes;
using Aspire.Hosting.Docker.Resources.ServiceNodes;
using Aspire.Hosting.Docker.Resources.ServiceNodes.Swarm;
using TicketApp.AppHost.Servers;
using Limits = Aspire.Hosting.Docker.Resources.ServiceNodes.Swarm.Resources;

namespace TicketApp.AppHost.Deployment;

/// <summary>A Docker Compose file for one host.</summary>
internal static class Compose
{
    private const string DatabaseNetwork = "database";

    public static void DeployToCompose(
        this IDistributedApplicationBuilder builder,
        DeploymentOptions options,
        IResourceBuilder<IResourceWithConnectionString> rabbitmq,
        IResourceBuilder<ProjectResource> api,
        IResourceBuilder<ProjectResource> worker)
    {
        var compose = builder.AddDockerComposeEnvironment("compose").WithDashboard(enabled: false);
        var servers = new List<string>();
        if (rabbitmq.Resource is RabbitMQServerResource broker)
        {
            servers.Add(broker.Name);
            builder.CreateResourceBuilder(broker).PublishAsDockerComposeService((_, service) =>
            {
                Restart(service, "120s", cpus: "2", memory: "1g");
                service.Hostname = broker.Name;
                Escape(service);
                service.Healthcheck = Check("CMD", "rabbitmq-diagnostics", "-q", "check_port_connectivity");
            });
        }

        var database = builder.Resources.OfType<PostgresServerResource>().SingleOrDefault();
        if (database is not null)
        {
            // Only the Api is on this network.
            compose.ConfigureComposeFile(file =>
                file.AddNetwork(new Network { Name = DatabaseNetwork, Driver = "bridge", Internal = true }));
            builder.CreateResourceBuilder(database).PublishAsDockerComposeService((_, service) =>
            {
                Restart(service, "120s", cpus: "4", memory: "1g");
                service.Networks = [DatabaseNetwork];
                Escape(service);
                service.ShmSize = "256m";
                service.Healthcheck = Check("CMD-SHELL", $"pg_isready -U postgres -d {ServerResources.DatabaseName}");
            });
        }

        api.PublishAsDockerComposeService((_, service) =>
        {
            Harden(service, "45s", cpus: "2", memory: "512m", replicas: null, servers);
            // The host's own port, which else is a random one. Keys and tickets are in the clear here: a proxy with TLS stands before it.
            service.Ports = ["127.0.0.1:8080:${API_PORT}"];
            if (database is not null)
            {
                service.Networks.Add(DatabaseNetwork);
                WaitFor(service, database.Name);
            }
        });
        worker.PublishAsDockerComposeService((_, service) => Harden(
            service,
            string.Create(CultureInfo.InvariantCulture, $"{options.WorkerGraceSeconds}s"),
            cpus: "2",
            memory: "768m",
            worker.Resource.GetReplicaCount(),
            servers));
    }

    /// <summary>Without a check: the images hold nothing but the service, so nothing that could ask it. It restarts when it ends.</summary>
    private static void Harden(
        Service service, string stopGracePeriod, string cpus, string memory, int? replicas, IEnumerable<string> servers)
    {
        Restart(service, stopGracePeriod, cpus, memory, replicas);
        service.ReadOnly = true;
        service.Tmpfs = ["/tmp"];
        service.CapDrop = ["ALL"];
        foreach (var server in servers)
        {
            WaitFor(service, server);
        }
    }

    private static void Restart(Service service, string stopGracePeriod, string cpus, string memory, int? replicas = null)
    {
        service.Restart = "unless-stopped";
        service.StopGracePeriod = stopGracePeriod;
        service.SecurityOpt = ["no-new-privileges:true"];
        service.Deploy = new Deploy
        {
            Replicas = replicas,
            Resources = new Limits { Limits = new ResourceSpec { Cpus = cpus, Memory = memory } },
        };
    }

    /// <summary>What the container's shell is to complete, Compose would.</summary>
    private static void Escape(Service service) =>
        service.Command = [.. service.Command.Select(argument => argument.Replace("$", "$$", StringComparison.Ordinal))];

    private static void WaitFor(Service service, string server) =>
        service.DependsOn[server] = new ServiceDependency { Condition = "service_healthy" };

    private static Healthcheck Check(params string[] test) => new()
    {
        Test = [.. test],
        Interval = "10s",
        Timeout = "10s",
        StartPeriod = "60s",
        Retries = 6,
    };
}

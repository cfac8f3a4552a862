using System.Globalization;
using System.Text.RegularExpressions;
using Aspire.Hosting.Docker.Resources;
using Aspire.Hosting.Docker.Resources.ComposeNodes;
using Aspire.Hosting.Docker.Resources.ServiceNodes;
using Aspire.Hosting.Docker.Resources.ServiceNodes.Swarm;
using TicketApp.AppHost.Servers;
using Limits = Aspire.Hosting.Docker.Resources.ServiceNodes.Swarm.Resources;

namespace TicketApp.AppHost.Deployment;

/// <summary>A Docker Compose file for one host.</summary>
internal static partial class Compose
{
    // Neither leads out of the host. Only the Api is on the database's.
    private const string DatabaseNetwork = "database";
    private const string BrokerNetwork = "broker";

    private const string Certificates = "certificates";

    /// <summary>Variables that a site may leave empty, and what they are then. Without any other one, Compose starts nothing.</summary>
    private static readonly Dictionary<string, string> _defaults = new()
    {
        ["API_PORT"] = "8080",
        ["WORKER_PORT"] = "8080",
        ["RABBITMQ_USERNAME"] = "ticketapp",
        ["WORKER_SLOTS"] = "100",
        ["OTLP_ENDPOINT"] = "",
    };

    public static void DeployToCompose(
        this IDistributedApplicationBuilder builder,
        DeploymentOptions options,
        IResourceBuilder<ProjectResource> api,
        IResourceBuilder<ProjectResource> worker)
    {
        var compose = builder.AddDockerComposeEnvironment("compose").WithDashboard(enabled: false).ConfigureComposeFile(Require);
        var servers = new List<string>();
        var broker = builder.Resources.OfType<RabbitMQServerResource>().SingleOrDefault();
        if (broker is not null)
        {
            servers.Add(broker.Name);
            compose.ConfigureComposeFile(file => AddInternalNetwork(file, BrokerNetwork));
            builder.CreateResourceBuilder(broker).PublishAsDockerComposeService((_, service) =>
            {
                Restart(service, "120s", cpus: "2", memory: "1g");
                Confine(service);
                UseCertificate(service, broker.Name);
                service.Networks = [BrokerNetwork];
                service.Hostname = broker.Name;
                Escape(service);
                service.Healthcheck = Check("CMD", "rabbitmq-diagnostics", "-q", "check_port_connectivity");
            });
        }

        var database = builder.Resources.OfType<PostgresServerResource>().SingleOrDefault();
        if (database is not null)
        {
            compose.ConfigureComposeFile(file => AddInternalNetwork(file, DatabaseNetwork));
            builder.CreateResourceBuilder(database).PublishAsDockerComposeService((_, service) =>
            {
                Restart(service, "120s", cpus: "4", memory: "1g");
                Confine(service);
                UseCertificate(service, database.Name);
                service.Networks = [DatabaseNetwork];
                Escape(service);
                service.ShmSize = "256m";
                service.Healthcheck = Check("CMD-SHELL", $"pg_isready -U postgres -d {ServerResources.DatabaseName}");
            });
        }

        string[] ours = [.. database is null ? [] : (string[])[database.Name], .. servers];
        api.PublishAsDockerComposeService((_, service) =>
        {
            Harden(service, "45s", cpus: "2", memory: "512m", replicas: null, servers);
            // The host's own port, which else is a random one. Keys and tickets are in the clear here: a proxy with TLS stands before it.
            service.Ports = ["127.0.0.1:8080:${API_PORT}"];
            if (servers.Count > 0)
            {
                service.Networks.Add(BrokerNetwork);
            }

            if (database is not null)
            {
                service.Networks.Add(DatabaseNetwork);
                WaitFor(service, database.Name);
            }

            if (ours.Length > 0)
            {
                Mount(service, ServerTls.Authorities, ServerTls.Folder);
            }
        });
        var hasEndpoint = builder.HasModelEndpoint();
        worker.PublishAsDockerComposeService((_, service) =>
        {
            var grace = string.Create(CultureInfo.InvariantCulture, $"{options.WorkerGraceSeconds}s");
            Harden(service, grace, cpus: "2", memory: "768m", worker.Resource.GetReplicaCount(), servers);
            // A schema has $defs and the like, which Compose would complete.
            foreach (var (name, value) in service.Environment.Where(IsOfModel).ToArray())
            {
                service.Environment[name] = Literal().Replace(value, "$$$$");
            }

            if (servers.Count > 0)
            {
                // It leaves the host for the endpoint of a model alone.
                service.Networks = hasEndpoint ? [.. service.Networks, BrokerNetwork] : [BrokerNetwork];
                Mount(service, ServerTls.Authorities, ServerTls.Folder);
            }
        });
        if (ours.Length > 0)
        {
            AddCertificates(builder, ours);
        }
    }

    /// <summary>
    /// Makes the servers' certificates at the first start, and ends. Each volume is for one reader: a server, or those who verify them all.
    /// </summary>
    private static void AddCertificates(IDistributedApplicationBuilder builder, string[] servers)
    {
        var certificates = builder.AddContainer(Certificates, "docker.io/library/postgres", ServerResources.PostgresVersion)
            .WithArgs("sh", "-c", ServerTls.MakeCertificates(servers))
            .PublishAsDockerComposeService((_, service) =>
            {
                Harden(service, "10s", cpus: "1", memory: "128m", replicas: null, servers: []);
                service.Restart = "on-failure";
                // Gives the servers their keys.
                service.CapAdd = ["CHOWN"];
                service.Networks = [];
                service.NetworkMode = "none";
                Escape(service);
            });
        foreach (var folder in (string[])[.. servers, ServerTls.Authorities])
        {
            certificates.WithVolume(VolumeOf(folder), $"{ServerTls.Certificates}/{folder}");
        }
    }

    private static void UseCertificate(Service service, string server)
    {
        service.DependsOn[Certificates] = new ServiceDependency { Condition = "service_completed_successfully" };
        Mount(service, server, ServerTls.FolderOf(server));
    }

    private static void Mount(Service service, string folder, string path) => service.Volumes.Add(new Volume
    {
        Name = VolumeOf(folder),
        Type = "volume",
        Source = VolumeOf(folder),
        Target = path,
        ReadOnly = true,
    });

    private static string VolumeOf(string folder) => $"ticketapp-{folder}-tls";

    private static void AddInternalNetwork(ComposeFile file, string name) =>
        file.AddNetwork(new Network { Name = name, Driver = "bridge", Internal = true });

    /// <summary>An empty password or key would be one. Images have none either: <c>latest</c> is not the same on every day.</summary>
    private static void Require(ComposeFile file)
    {
        foreach (var service in file.Services.Values)
        {
            service.Image = service.Image is { } image ? Require(image) : null;
            service.Ports = [.. service.Ports.Select(Require)];
            service.Expose = [.. service.Expose.Select(Require)];
            foreach (var (name, value) in service.Environment.ToArray())
            {
                service.Environment[name] = Require(value);
            }
        }
    }

    private static string Require(string text) => Variable().Replace(text, match => match.Groups[1].Value is var name
        && _defaults.TryGetValue(name, out var value) ? $"${{{name}:-{value}}}" : $"${{{name}:?Set {name}.}}");

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

    /// <summary>The images of servers start as root, give the data to the server's user and become it: what that takes alone.</summary>
    private static void Confine(Service service)
    {
        service.CapAdd = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"];
        service.CapDrop = ["ALL"];
    }

    private static bool IsOfModel(KeyValuePair<string, string> variable) => variable.Key.StartsWith("Models__", StringComparison.Ordinal);

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

    [GeneratedRegex(@"\$(?!\{[A-Z_]+\})")]
    private static partial Regex Literal();

    [GeneratedRegex(@"\$\{([A-Z_]+)\}")]
    private static partial Regex Variable();
}

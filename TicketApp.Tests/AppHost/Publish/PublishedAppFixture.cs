using System.Collections.Concurrent;
using System.Net.Http.Headers;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// The application with the variables that the checked-in chart gives its services, and no others, and with the user, the file system and
/// the capabilities of their containers. The servers' addresses are local ones, without TLS (that is in <see cref="PublishedTlsTests"/>).
/// </summary>
public class PublishedAppFixture : RunningApp
{
    private const string AdminKey = "TheKeyOfTheAdministrator";

    private readonly ConcurrentDictionary<string, ResourceLimits> _limits = [];
    private readonly ConcurrentDictionary<string, Workload> _workloads = [];

    public static string AdminAuthorization => new AuthenticationHeaderValue("Bearer", AdminKey).ToString();

    /// <summary>The process ids of the services.</summary>
    public IEnumerable<int> Services => Processes
        .Where(process => process.Name.Split('-')[0] is ApiService or WorkerService)
        .Select(process => process.Id);

    protected override string? Obstacle => DeploymentTools.HasHelm ? base.Obstacle : DeploymentTools.NoHelm;

    /// <summary>The manifests that it is started by.</summary>
    private protected virtual Workloads Manifests { get; } = Workloads.InCluster(Chart.Deployed);

    /// <summary>The groups of the services' processes, where this machine has groups; those of an ended process stay.</summary>
    private protected IReadOnlyDictionary<string, ResourceLimits> Limits => _limits;

    /// <summary>What is given to the parameters and secrets of the manifests, as the servers of the tests have it.</summary>
    protected virtual Dictionary<string, string> SecretsOf(string database, Uri broker)
    {
        var password = broker.UserInfo.Split(':')[1];
        return new()
        {
            ["tickets_password"] = new NpgsqlConnectionStringBuilder(database).Password!,
            ["rabbitmq_password"] = password,
            ["rabbitmq_worker_password"] = password,
            ["admin_key"] = AdminKey,
            ["webhook_secret_key"] = "AKeyThatSealsTheSecretsOfWebhooks",
        };
    }

    protected override IReadOnlyDictionary<string, string> EnvironmentOf(string service, string database, Uri broker) =>
        EnvironmentOf(service, database, broker, SecretsOf(database, broker));

    /// <summary>The variables of a service with these secrets.</summary>
    protected Dictionary<string, string> EnvironmentOf(
        string service, string database, Uri broker, IReadOnlyDictionary<string, string> secrets)
    {
        _workloads[service] = Workloads.OnThisMachine(Manifests.Read(service, secrets), database, broker);
        return new(_workloads[service].Variables)
        {
            // What no variable says in a container.
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            // The model of the original takes minutes.
            ["Simulator__MinDuration"] = "00:00:00.010",
            ["Simulator__MaxDuration"] = "00:00:00.050",
        };
    }

    /// <summary>What the manifest of a service says, of which <see cref="EnvironmentOf(string, string, Uri)"/> was asked before.</summary>
    private protected Workload WorkloadOf(string service) => _workloads[service];

    private protected override ChildProcess CreateService(
        string service, string name, string project, int port, IReadOnlyDictionary<string, string> environment) =>
        CreateService(service, name, port, environment, Repository.OutputOf(project));

    /// <summary>A replica of a service by its program.</summary>
    private protected ChildProcess CreateService(
        string service, string name, int port, IReadOnlyDictionary<string, string> environment, string program)
    {
        var workload = WorkloadOf(service);
        if (PodRights.AreKept && ResourceLimits.Of(workload) is { } limits)
        {
            _limits[name] = limits;
        }

        return AppProcesses.Service(name, port, environment, [.. PodRights.Of(workload, program, _limits.GetValueOrDefault(name))]);
    }
}

[CollectionDefinition(Name)]
public sealed class PublishedAppCollection : ICollectionFixture<PublishedAppFixture>
{
    public const string Name = "The application as it is published";
}

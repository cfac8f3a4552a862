using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// The application with the variables that the checked-in chart gives its services, and no others, and with the user, the file system and
/// the capabilities of their containers. The servers' addresses are local ones.
/// </summary>
public class PublishedAppFixture : RunningApp
{
    private const string AdminKey = "TheKeyOfTheAdministrator";

    public static string AdminAuthorization => new AuthenticationHeaderValue("Bearer", AdminKey).ToString();

    /// <summary>The process ids of the services.</summary>
    public IEnumerable<int> Services => Processes
        .Where(process => process.Name.Split('-')[0] is ApiService or WorkerService)
        .Select(process => process.Id);

    protected override string? Obstacle => DeploymentTools.HasHelm ? base.Obstacle : DeploymentTools.NoHelm;

    /// <summary>The Deployment of a service.</summary>
    protected static JsonObject Manifest(string service) =>
        Chart.Deployed.Parse($"{service}/deployment.yaml", Chart.Deployed.ValuesWithSecrets());

    protected override IReadOnlyDictionary<string, string> EnvironmentOf(string service, string database, Uri broker) =>
        EnvironmentOf(service, database, broker, SecretsOf(database, broker));

    /// <summary>The secrets of the chart, as the servers of the tests have them.</summary>
    protected static Dictionary<string, string> SecretsOf(string database, Uri broker)
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

    /// <summary>The variables of a service with these secrets.</summary>
    protected static Dictionary<string, string> EnvironmentOf(
        string service, string database, Uri broker, IReadOnlyDictionary<string, string> secrets)
    {
        NpgsqlConnectionStringBuilder postgres = new(database);
        var values = Chart.Deployed.ValuesWithSecrets(name => secrets.GetValueOrDefault(name, "OfNoServerHere"));
        var variables = Chart.Deployed.Variables(service, values)
            .ToDictionary(variable => variable.Key, variable => variable.Value
                .Replace("Host=postgres-service;Port=5432", $"Host={postgres.Host};Port={postgres.Port}", StringComparison.Ordinal)
                .Replace("@rabbitmq-service:5672", $"@{broker.Authority}", StringComparison.Ordinal));
        // What no variable says in a container.
        variables["ASPNETCORE_ENVIRONMENT"] = "Production";
        // The model of the original takes minutes.
        variables["Simulator__MinDuration"] = "00:00:00.010";
        variables["Simulator__MaxDuration"] = "00:00:00.050";
        return variables;
    }

    private protected override ChildProcess CreateService(
        string service, string name, string project, int port, IReadOnlyDictionary<string, string> environment) =>
        AppProcesses.Service(name, port, environment, [.. PodRights.Of(Manifest(service), Repository.OutputOf(project))]);
}

[CollectionDefinition(Name)]
public sealed class PublishedAppCollection : ICollectionFixture<PublishedAppFixture>
{
    public const string Name = "The application as it is published";
}

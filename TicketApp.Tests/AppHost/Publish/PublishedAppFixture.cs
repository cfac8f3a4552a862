using System.Net.Http.Headers;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// The application with the variables that the checked-in chart gives its services, and no others. The servers' addresses are local ones.
/// </summary>
public sealed class PublishedAppFixture : RunningApp
{
    private const string AdminKey = "TheKeyOfTheAdministrator";

    public static string AdminAuthorization => new AuthenticationHeaderValue("Bearer", AdminKey).ToString();

    protected override string? Obstacle => DeploymentTools.HasHelm ? base.Obstacle : DeploymentTools.NoHelm;

    protected override IReadOnlyDictionary<string, string> EnvironmentOf(string service, string database, Uri broker)
    {
        NpgsqlConnectionStringBuilder postgres = new(database);
        var password = broker.UserInfo.Split(':')[1];
        Dictionary<string, string> secrets = new()
        {
            ["tickets_password"] = postgres.Password!,
            ["rabbitmq_password"] = password,
            ["rabbitmq_worker_password"] = password,
            ["admin_key"] = AdminKey,
            ["webhook_secret_key"] = "AKeyThatSealsTheSecretsOfWebhooks",
        };
        var chart = new Chart(Path.Combine(Repository.Root, "deploy", "kubernetes"));
        var variables = chart.Variables(service, chart.ValuesWithSecrets(name => secrets.GetValueOrDefault(name, "OfNoServerHere")))
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
}

[CollectionDefinition(Name)]
public sealed class PublishedAppCollection : ICollectionFixture<PublishedAppFixture>
{
    public const string Name = "The application as it is published";
}

using System.Net.Http.Headers;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>The application with the variables that the checked-in chart gives its services, and no others. The servers' addresses are local ones.</summary>
public sealed class PublishedAppFixture : RunningApp
{
    private const string AdminKey = "TheKeyOfTheAdministrator";

    public static string AdminAuthorization => new AuthenticationHeaderValue("Bearer", AdminKey).ToString();

    protected override void OnBuilding(IDistributedApplicationTestingBuilder builder)
    {
        var chart = new Chart(Path.Combine(Repository.Root, "deploy", "kubernetes"));
        var postgres = builder.Resources.OfType<PostgresServerResource>().Single();
        var rabbitmq = builder.Resources.OfType<RabbitMQServerResource>().Single();
        foreach (var service in builder.Resources.OfType<ProjectResource>().Where(project => project.Name is "api" or "worker"))
        {
            foreach (var variables in service.Annotations.OfType<EnvironmentCallbackAnnotation>().ToArray())
            {
                service.Annotations.Remove(variables);
            }

            builder.CreateResourceBuilder(service).WithEnvironment(async context =>
            {
                var secrets = new Dictionary<string, string?>
                {
                    ["postgres_password"] = await postgres.PasswordParameter.GetValueAsync(context.CancellationToken),
                    ["rabbitmq_password"] = await rabbitmq.PasswordParameter.GetValueAsync(context.CancellationToken),
                    ["admin_key"] = AdminKey,
                    ["webhook_secret_key"] = "AKeyThatSealsTheSecretsOfWebhooks",
                };
                var addresses = new Dictionary<string, string>
                {
                    ["Host=postgres-service;Port=5432"] = await AddressAsync(postgres.PrimaryEndpoint, "Host={0};Port={1}", context.CancellationToken),
                    ["@rabbitmq-service:5672"] = await AddressAsync(rabbitmq.PrimaryEndpoint, "@{0}:{1}", context.CancellationToken),
                };
                foreach (var (name, value) in chart.Variables(service.Name, chart.ValuesWithSecrets(name => secrets.GetValueOrDefault(name) ?? "")))
                {
                    context.EnvironmentVariables[name] = addresses.Aggregate(value, (text, address) => text.Replace(address.Key, address.Value, StringComparison.Ordinal));
                }

                context.EnvironmentVariables["HTTP_PORTS"] = service.GetEndpoint("http").Property(EndpointProperty.TargetPort);
                // What no variable says in a container, the launch profile would say here.
                context.EnvironmentVariables["ASPNETCORE_ENVIRONMENT"] = "Production";
                // The model of the original takes minutes.
                context.EnvironmentVariables["Simulator__Min"] = "00:00:00.010";
                context.EnvironmentVariables["Simulator__Max"] = "00:00:00.050";
            });
        }
    }

    private static async Task<string> AddressAsync(EndpointReference endpoint, string format, CancellationToken cancellationToken) => string.Format(
        System.Globalization.CultureInfo.InvariantCulture,
        format,
        await endpoint.Property(EndpointProperty.Host).GetValueAsync(cancellationToken),
        await endpoint.Property(EndpointProperty.Port).GetValueAsync(cancellationToken));
}

[CollectionDefinition(Name)]
public sealed class PublishedAppCollection : ICollectionFixture<PublishedAppFixture>
{
    public const string Name = "The application as it is published";
}

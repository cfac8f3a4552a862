using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;
using RabbitMQ.Client;
using TicketApp.AppHost;

namespace TicketApp.Tests.AppHost;

/// <summary>
/// A container keeps the password that its volume was made with. How the AppHost tells is tried on
/// servers that are native or not, which say the same.
/// </summary>
[Collection(AspireCollection.Name)]
public sealed class PasswordTests(AspireApp app)
{
    private const string Wrong = "wrong";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_PostgreSQL_says_to_a_wrong_password_is_known() => await AssertIsKnownAsync(
        new NpgsqlConnectionStringBuilder(await ConnectionStringAsync("tickets")) { Password = Wrong }.ConnectionString,
        (checks, connectionString) => checks.AddNpgSql(connectionString));

    [Fact]
    public async Task What_RabbitMQ_says_to_a_wrong_password_is_known() => await AssertIsKnownAsync(
        new UriBuilder(await ConnectionStringAsync("rabbitmq")) { Password = Wrong }.ToString(),
        (checks, connectionString) => checks.AddRabbitMQ(async _ =>
            await new ConnectionFactory { Uri = new(connectionString) }.CreateConnectionAsync(Cancel)));

    /// <summary>The checks are those by which Aspire looks at its containers.</summary>
    private static async Task AssertIsKnownAsync(string connectionString, Action<IHealthChecksBuilder, string> add)
    {
        ServiceCollection services = new();
        services.AddLogging();
        add(services.AddHealthChecks(), connectionString);
        await using var provider = services.BuildServiceProvider();

        var report = await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancel);

        var (name, entry) = Assert.Single(report.Entries);
        Assert.Equal(HealthStatus.Unhealthy, entry.Status);
        Assert.True(IsPasswordRefused(entry.Exception?.ToString()), entry.Exception?.ToString());
        Assert.False(IsPasswordRefused("Connection refused"));

        bool IsPasswordRefused(string? error) =>
            RunSupervisor.IsPasswordRefused([new HealthReportSnapshot(name, entry.Status, entry.Description, error)]);
    }

    private async Task<string> ConnectionStringAsync(string resource) => (await app.App.GetConnectionStringAsync(resource, Cancel))!;
}

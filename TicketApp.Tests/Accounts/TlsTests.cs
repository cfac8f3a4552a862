using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using TicketApp.Api.Storage;
using TicketApp.Messaging.Broker;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Accounts;

/// <summary>TLS to both servers, as the services register their clients. The servers' certificates are of a private authority.</summary>
[Collection(AppCollection.Name)]
public sealed class TlsTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ticketapp", true)]
    [InlineData("worker", false)]
    public async Task Api_and_worker_reach_the_broker_over_TLS(string user, bool declaresQueues)
    {
        using var service = Service(user, "localhost", app.Authority.RootFile, declaresQueues);
        await service.StartAsync(Cancel);

        var publisher = service.Services.GetRequiredService<BrokerPublisher>();
        await Eventually.IsTrueAsync("It is ready", _limit, () => publisher.IsReady);

        await service.StopAsync(Cancel);
    }

    [Theory]
    [InlineData("localhost", false, "an authority that nobody trusts")]
    [InlineData("127.0.0.1", true, "another name than the certificate's")]
    public async Task A_broker_that_cannot_prove_its_name_is_refused(string host, bool isTrusted, string why)
    {
        using var service = Service("worker", host, isTrusted ? app.Authority.RootFile : null);

        var error = await Assert.ThrowsAsync<BrokerUnreachableException>(() =>
            service.Services.GetRequiredService<IConnectionFactory>().CreateConnectionAsync(Cancel));

        Assert.True(error.ToString().Contains("certificate", StringComparison.OrdinalIgnoreCase), $"{why}: {error}");
    }

    [Fact]
    public async Task A_broker_of_another_authority_than_the_named_one_is_refused()
    {
        TestAuthority other = new(Path.GetDirectoryName(app.Authority.RootFile)!, "other");
        using var service = Service("worker", "localhost", other.RootFile);

        await Assert.ThrowsAsync<BrokerUnreachableException>(() =>
            service.Services.GetRequiredService<IConnectionFactory>().CreateConnectionAsync(Cancel));
    }

    [Fact]
    public async Task A_renewed_authority_counts_from_the_next_connection()
    {
        var directory = Path.GetDirectoryName(app.Authority.RootFile)!;
        var root = Path.Combine(directory, "renewed-root.pem");
        File.Copy(new TestAuthority(directory, "before").RootFile, root);
        using var service = Service("worker", "localhost", root);
        var factory = service.Services.GetRequiredService<IConnectionFactory>();
        var error = await Assert.ThrowsAsync<BrokerUnreachableException>(() => factory.CreateConnectionAsync(Cancel));
        Assert.Contains($"the certificate is not from an authority in {root}", error.ToString(), StringComparison.Ordinal);

        File.Copy(app.Authority.RootFile, root, overwrite: true);

        await using var connection = await factory.CreateConnectionAsync(Cancel);
        Assert.True(connection.IsOpen);
    }

    [Fact]
    public async Task The_api_verifies_PostgreSQL()
    {
        await using var superuser = NpgsqlDataSource.Create(app.Database);
        await CopyAsync(app.Authority.CertificateFile, "server.crt");
        await CopyAsync(app.Authority.KeyFile, "server.key");
        await SetTlsAsync("on");
        try
        {
            Assert.True(await IsEncryptedAsync("localhost", app.Authority.RootFile));
            // Another name than the certificate's, and an authority that nobody trusts.
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => IsEncryptedAsync("127.0.0.1", app.Authority.RootFile));
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => IsEncryptedAsync("localhost", null));
        }
        finally
        {
            await SetTlsAsync("off");
        }

        // Into the server's directory, as its own files.
        async Task CopyAsync(string file, string name)
        {
            var lines = string.Join(',', (await File.ReadAllLinesAsync(file, Cancel)).Select(line => $"('{line}')"));
            await using var copy = superuser.CreateCommand($"copy (values {lines}) to program 'umask 077; cat >{name}'");
            await copy.ExecuteNonQueryAsync(Cancel);
        }

        async Task SetTlsAsync(string value)
        {
            foreach (var sql in (string[])[$"alter system set ssl = {value}", "select pg_reload_conf()"])
            {
                await using var command = superuser.CreateCommand(sql);
                await command.ExecuteNonQueryAsync(Cancel);
            }

            await Eventually.IsTrueAsync($"TLS {value}", _limit, async () => await ValueAsync<string>(superuser, "show ssl") == value);
        }
    }

    private async Task<bool> IsEncryptedAsync(string host, string? root)
    {
        NpgsqlConnectionStringBuilder connection = new(app.ApiDatabase)
        {
            Host = host,
            SslMode = SslMode.VerifyFull,
            RootCertificate = root,
        };
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Configuration["ConnectionStrings:tickets"] = connection.ConnectionString;
        builder.AddDatabase();
        using var service = builder.Build();
        return await ValueAsync<bool>(
            service.Services.GetRequiredService<NpgsqlDataSource>(), "select ssl from pg_stat_ssl where pid = pg_backend_pid()");
    }

    private IHost Service(string user, string host, string? root, bool declaresQueues = false)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new());
        UriBuilder address = new(AppProcesses.As(user, app.Broker))
        {
            Scheme = "amqps",
            Host = host,
            Port = app.BrokerTlsPort,
            Query = root is null ? "" : $"cacertfile={root}",
        };
        builder.Configuration["ConnectionStrings:rabbitmq"] = address.Uri.ToString();
        builder.AddBroker(HealthStatus.Unhealthy, declaresQueues);
        return builder.Build();
    }

    private static async Task<T> ValueAsync<T>(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Cancel))!;
    }
}

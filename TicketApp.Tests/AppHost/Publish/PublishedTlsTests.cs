using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>TLS between the services and the servers of the chart, as it is published.</summary>
public sealed class PublishedTlsTests(TlsServers servers) : IClassFixture<TlsServers>
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_ticket_is_answered_with_what_the_chart_gives_servers_and_services()
    {
        servers.Require();
        var port = AppProcesses.NextPort();
        await using var api = servers.Service("api", port);
        await using var worker = servers.Service("worker", AppProcesses.NextPort());
        await Task.WhenAll(api.StartAsync(), worker.StartAsync());
        using var http = AppProcesses.Client([port]);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", TlsServers.Key);

        var user = (string)(await SendAsync("/v1/users", new()))["id"]!;
        var ticket = await SendAsync("/v1/tickets", new() { ["user_id"] = user });
        var finished = await Eventually.LastAsync(
            _limit,
            async () => await http.GetFromJsonAsync<JsonObject>($"/v1/tickets/{ticket["id"]}", Cancel),
            found => (string?)found!["status"] == "succeeded");

        Assert.Equal("succeeded", (string?)finished!["status"]);
        await using NpgsqlConnection connection = new(servers.Database.ConnectionString);
        await connection.OpenAsync(Cancel);
        await using NpgsqlCommand command = new(
            "select count(*) filter (where ssl) > 1 and count(*) filter (where not ssl) = 0 "
            + "from pg_stat_ssl join pg_stat_activity using (pid) where client_addr is not null",
            connection);
        Assert.Equal(true, await command.ExecuteScalarAsync(Cancel));

        async Task<JsonObject> SendAsync(string path, JsonObject body)
        {
            using var response = await http.PostAsJsonAsync(path, body, Cancel);
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Cancel));
            return (await response.Content.ReadFromJsonAsync<JsonObject>(Cancel))!;
        }
    }

    [Theory]
    [InlineData("worker", null, "the broker cannot be used: the certificate is not from an authority in /")]
    [InlineData("worker", "rabbitmq-service", "the broker cannot be used: the certificate is not for the host 127.0.0.1")]
    [InlineData("api", null, "the certificate of the database is not for its host, not from the authority in Root Cert")]
    [InlineData("api", "postgres-service", "the certificate of the database is not for its host, not from the authority in Root Cert")]
    public async Task A_server_that_cannot_prove_who_it_is_is_refused_and_the_log_says_so(string service, string? otherHost, string line)
    {
        servers.Require();
        var another = otherHost is null ? new TestAuthority(Publication.NewFolder(), "another").RootFile : null;
        await using var process = servers.Service(
            service,
            AppProcesses.NextPort(),
            // A name that is not in the certificate.
            value => otherHost is null ? value : value.Replace(otherHost, "127.0.0.1", StringComparison.Ordinal),
            another,
            line);

        await process.StartAsync();

        Assert.DoesNotContain(
            process.Output, text => service == "worker" && text.Contains("is connected to the broker", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_connection_without_TLS_is_refused()
    {
        servers.Require();
        await using NpgsqlConnection database =
            new(new NpgsqlConnectionStringBuilder(servers.Database.ConnectionString) { SslMode = SslMode.Disable }.ConnectionString);
        var error = await Assert.ThrowsAsync<PostgresException>(() => database.OpenAsync(Cancel));
        Assert.Contains("no encryption", error.MessageText, StringComparison.Ordinal);

        await Assert.ThrowsAsync<BrokerUnreachableException>(() =>
            new ConnectionFactory { Uri = servers.PlainBroker }.CreateConnectionAsync(Cancel));
    }

    [Fact]
    public async Task A_renewed_certificate_counts_without_a_restart()
    {
        servers.Require();
        Assert.True(await ShowsItsCertificateAsync());
        await using NpgsqlConnection open = new(servers.Database.ConnectionString);
        await open.OpenAsync(Cancel);

        await servers.RenewAsync();
        await Eventually.IsTrueAsync("PostgreSQL has another certificate", _limit, async () =>
        {
            try
            {
                await using NpgsqlConnection attempt = new(servers.Database.ConnectionString);
                await attempt.OpenAsync(Cancel);
                return true;
            }
            catch (NpgsqlException)
            {
                return false;
            }
        });
        await Eventually.IsTrueAsync("RabbitMQ has another certificate", _limit, ShowsItsCertificateAsync);
        // What was connected stays so.
        await using NpgsqlCommand command = new("select 1", open);
        Assert.Equal(1, await command.ExecuteScalarAsync(Cancel));
    }

    /// <summary>Whether RabbitMQ shows the certificate that is in its secret now.</summary>
    private async Task<bool> ShowsItsCertificateAsync()
    {
        using var expected = X509CertificateLoader.LoadCertificateFromFile(servers.CertificateOf(TlsServers.RabbitMq));
        using TcpClient client = new();
        await client.ConnectAsync("127.0.0.1", servers.RabbitMqPort, Cancel);
        await using SslStream stream = new(
            client.GetStream(),
            leaveInnerStreamOpen: false,
            (_, certificate, _, _) => certificate!.GetCertHashString() == expected.Thumbprint);
        try
        {
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "rabbitmq-service" }, Cancel);
            return true;
        }
        catch (AuthenticationException)
        {
            return false;
        }
    }
}

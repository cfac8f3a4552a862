using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using TicketApp.Api.Http;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Http.Unit;

/// <summary>Whose word counts for where a caller is.</summary>
public sealed class ProxyTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", "127.0.0.1")]
    [InlineData("10.0.0.0/8,fc00::/7", "127.0.0.1")]
    [InlineData("10.0.0.0/8, 127.0.0.0/8", "203.0.113.7")]
    public async Task Only_a_known_proxy_says_where_a_caller_is(string known, string seen)
    {
        await using var app = Build(known);
        app.MapGet("/", (HttpContext context) => context.Connection.RemoteIpAddress!.ToString());
        await app.StartAsync(Cancel);
        using HttpClient client = new();
        using HttpRequestMessage request = new(HttpMethod.Get, app.Urls.Single());
        // The first one is what the caller made up, the last what the proxy added.
        request.Headers.Add("X-Forwarded-For", "198.51.100.1, 203.0.113.7");

        using var answer = await client.SendAsync(request, Cancel);

        Assert.Equal(IPAddress.Parse(seen), IPAddress.Parse(await answer.Content.ReadAsStringAsync(Cancel)));
    }

    [Theory]
    [InlineData("10.0.0.1")]
    [InlineData("10.0.0.0/8 172.16.0.0/12")]
    [InlineData("proxy.example.com")]
    public async Task What_is_no_network_stops_the_start(string known)
    {
        await using var app = Build(known);

        var exception = await Assert.ThrowsAsync<OptionsValidationException>(() => app.StartAsync(Cancel));

        Assert.Contains("Proxies:KnownNetworks", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Compose_takes_callers_from_the_host_alone_where_a_proxy_with_tls_stands()
    {
        var compose = await File.ReadAllLinesAsync(Path.Combine(Repository.Root, "deploy/compose/docker-compose.yaml"), Cancel);

        var ports = compose.SkipWhile(line => line.Trim() != "ports:").Skip(1).TakeWhile(line => line.Trim().StartsWith('-'));

        Assert.Equal("- \"127.0.0.1:8080:${API_PORT:-8080}\"", Assert.Single(ports).Trim());
        Assert.Single(compose, line => line.Trim() == "ports:");
    }

    private static WebApplication Build(string known)
    {
        // Aspire sets the switch of ASP.NET Core, by which every peer would be believed.
        var builder = WebApplication.CreateSlimBuilder(["--ForwardedHeaders_Enabled=true", $"--Proxies:KnownNetworks={known}"]);
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.AddProxies();
        return builder.Build();
    }
}

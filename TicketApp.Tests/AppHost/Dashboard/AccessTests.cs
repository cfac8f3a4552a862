using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.NetworkInformation;
using System.Text.Json.Nodes;

namespace TicketApp.Tests.AppHost.Dashboard;

/// <summary>Who may see the dashboard and send to it, and what it keeps to itself.</summary>
[Collection(DashboardCollection.Name)]
public sealed class AccessTests(DashboardFixture dashboard)
{
    private const string TraceService = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nobody_sees_anything_before_the_login()
    {
        using var client = NewClient();

        using var page = await client.GetAsync("/", Cancel);
        Assert.Equal((HttpStatusCode.Redirect, "/login"), (page.StatusCode, page.Headers.Location?.ToString()));
        foreach (var path in (string[])["/api/live", "/api/traces", "/api/resources/api/environment", "/js/main.js"])
        {
            using var refused = await client.GetAsync(path, Cancel);
            Assert.Equal((path, HttpStatusCode.Unauthorized), (path, refused.StatusCode));
        }
    }

    [Fact]
    public async Task A_wrong_token_gets_no_cookie()
    {
        using var client = NewClient();

        using var refused = await client.GetAsync("/login?t=wrong", Cancel);

        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.False(refused.Headers.Contains("Set-Cookie"));
        Assert.Contains("role=\"alert\" data-refused>", await refused.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_token_gets_a_cookie_that_scripts_and_other_sites_cannot_use()
    {
        using var client = NewClient();

        using var welcome = await client.GetAsync(dashboard.Login, Cancel);
        var cookie = Assert.Single(welcome.Headers.GetValues("Set-Cookie"));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(dashboard.Login.Query[3..], cookie, StringComparison.Ordinal);

        using var page = await client.GetAsync("/", Cancel);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        var policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_whose_name_points_here_is_refused_with_the_cookie_too()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/traces");
        request.Headers.Host = "attacker.example";
        using var refused = await dashboard.Client.SendAsync(request, Cancel);

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("http://localhost:1")]
    public async Task A_page_of_another_port_cannot_give_commands(string? origin)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/resources/{await dashboard.InstanceAsync("api")}/commands/stop");
        request.Headers.Add("Origin", origin is null ? [] : [origin]);
        using var refused = await dashboard.Client.SendAsync(request, Cancel);

        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    [Fact]
    public void Only_this_machine_reaches_it()
    {
        int[] ports = [dashboard.Url.Port, dashboard.Otlp.Port];
        var listeners = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Where(listener => ports.Contains(listener.Port)).ToArray();

        Assert.NotEmpty(listeners);
        Assert.All(listeners, listener => Assert.True(IPAddress.IsLoopback(listener.Address)));
    }

    [Theory]
    [InlineData(null, "16")]
    [InlineData("wrong", "16")]
    [InlineData(DashboardFixture.OtlpApiKey, "3")]
    public async Task Telemetry_is_refused_without_the_key_and_nonsense_with_it(string? key, string status)
    {
        using var client = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var body = new ByteArrayContent([0, 0, 0, 0, 3, 0x0a, 0x7f, 0x01]);
        body.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(dashboard.Otlp, TraceService)) { Content = body, Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Add("x-otlp-api-key", key is null ? [] : [key]);

        using var answer = await client.SendAsync(request, Cancel);

        Assert.Equal(status, Assert.Single(answer.Headers.GetValues("grpc-status")));
    }

    [Fact]
    public async Task Secrets_are_told_one_by_one_and_only_when_asked_for()
    {
        var id = await dashboard.InstanceAsync("api");
        Assert.Null(await dashboard.VariableAsync("api", "ConnectionStrings__tickets"));
        Assert.Null(await dashboard.VariableAsync("api", "OTEL_EXPORTER_OTLP_HEADERS"));
        Assert.Equal("api", await dashboard.VariableAsync("api", "OTEL_SERVICE_NAME"));

        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/resources/{id}/environment/TICKETS_PASSWORD");
        request.Headers.Add("Origin", dashboard.Url.GetLeftPart(UriPartial.Authority));
        using var revealed = await dashboard.Client.SendAsync(request, Cancel);
        var password = (await revealed.Content.ReadFromJsonAsync<JsonArray>(Cancel))![0]!["value"]!.GetValue<string>();

        Assert.Matches("^[A-Za-z0-9]{32,}$", password);
        Assert.DoesNotContain(password, (await dashboard.GetAsync($"/api/resources/{id}/environment")).ToJsonString(), StringComparison.Ordinal);
        Assert.DoesNotContain(password, (await dashboard.ResourcesAsync()).ToJsonString(), StringComparison.Ordinal);
    }

    private HttpClient NewClient() => new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = dashboard.Url };
}

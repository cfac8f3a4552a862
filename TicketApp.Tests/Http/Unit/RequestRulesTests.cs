using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using TicketApp.Api.Http;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Http.Unit;

/// <summary>What is checked of a request before anything uses it.</summary>
public sealed class RequestRulesTests : IAsyncLifetime
{
    private readonly WebApplication _app;
    private HttpClient _client = null!;

    public RequestRulesTests()
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = Environments.Development });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.ExplainMalformedRequests());
        builder.Services.AddRequestRules();
        _app = builder.Build();
        _app.UseResponseHeaders();
        _app.UseRequestRules(refuseCrossSite: true);
        _app.Run(context => ApiJson.WithMessage(200, "served").ExecuteAsync(context));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ResourceClient Api => new(_client);

    public async ValueTask InitializeAsync()
    {
        await _app.StartAsync(Cancel);
        _client = new() { BaseAddress = new(_app.Urls.Single()) };
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
    }

    [Theory]
    [InlineData("/v1/%00")]
    [InlineData("/v1/tickets/a%00b/events?x=1")]
    [InlineData("/%00")]
    [InlineData("/v1/users/x/webhook-endpoints/off?url=%00")]
    [InlineData("/v1/tickets?status=queued&cursor=a%00b")]
    public async Task NUL_in_a_path_or_a_query_is_a_problem(string path)
    {
        var answer = await Api.GetAsync(path);

        answer.Problem(HttpStatusCode.BadRequest, "invalid-request");
        Assert.Equal(
            ("nosniff", true),
            (answer.Headers.GetValues("X-Content-Type-Options").Single(), answer.Headers.CacheControl!.NoStore));
    }

    [Fact]
    public async Task NUL_in_a_query_of_the_original_is_a_message()
    {
        var answer = await Api.GetAsync("/ticket?ticket_id=%00");

        Assert.Equal((HttpStatusCode.BadRequest, "application/json; charset=utf-8"), (answer.Status, answer.ContentType));
        Assert.NotEmpty(answer.Json["message"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("Authorization", 1024)]
    [InlineData("Idempotency-Key", 255)]
    [InlineData("If-None-Match", 4096)]
    [InlineData("Last-Event-ID", 64)]
    [InlineData("Prefer", 256)]
    [InlineData("traceparent", 256)]
    public async Task Headers_are_bounded(string header, int most)
    {
        Assert.Equal(HttpStatusCode.OK, (await Api.GetAsync("/v1/stats", (header, new string('a', most)))).Status);

        var refused = await Api.GetAsync("/v1/stats", (header, new string('a', most + 1)));

        var problem = refused.Problem(HttpStatusCode.BadRequest, "invalid-request");
        Assert.Contains(header, problem["detail"]!.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST:5380", true)]
    [InlineData("api.dev.localhost:5380", true)]
    [InlineData("127.0.0.1:1", true)]
    [InlineData("[::1]:5380", true)]
    [InlineData("rebound.example", false)]
    [InlineData("localhost.example", false)]
    [InlineData("10.1.2.3", false)]
    public async Task In_Development_only_loopback_names_are_served_and_probes(string host, bool isServed)
    {
        Assert.Equal(isServed ? HttpStatusCode.OK : HttpStatusCode.BadRequest, (await Api.GetAsync("/v1/stats", ("Host", host))).Status);
        Assert.Equal(isServed ? HttpStatusCode.OK : HttpStatusCode.BadRequest, (await Api.GetAsync("/", ("Host", host))).Status);
        Assert.Equal(HttpStatusCode.OK, (await Api.GetAsync("/health", ("Host", host))).Status);
    }

    [Theory]
    [InlineData(200, "/v1/users", null)]
    [InlineData(415, "/v1/users", "text/plain")]
    [InlineData(415, "/v1/users", "application/x-www-form-urlencoded")]
    [InlineData(403, "/v1/users", null, "Origin", "http://elsewhere.example")]
    [InlineData(403, "/v1/users", null, "Origin", "null")]
    [InlineData(403, "/v1/users", "text/plain", "Origin", "http://localhost:1")]
    [InlineData(403, "/v1/users", "text/plain", "Sec-Fetch-Site", "cross-site")]
    [InlineData(403, "/v1/users", "text/plain", "Sec-Fetch-Site", "same-site")]
    [InlineData(200, "/v1/users", null, "Sec-Fetch-Site", "same-origin")]
    [InlineData(200, "/v1/users", null, "Origin", "SELF")]
    [InlineData(200, "/v1/users", "application/json", "Origin", "http://elsewhere.example")]
    [InlineData(200, "/user", "text/plain", "Origin", "http://elsewhere.example")]
    [InlineData(200, "/ticket", "text/plain", "Sec-Fetch-Site", "cross-site")]
    public async Task Where_no_key_is_wanted_another_sites_page_changes_nothing(
        int expected, string path, string? contentType, string? header = null, string value = "")
    {
        using var content = contentType is null ? null : new StringContent("{}", Encoding.UTF8, contentType);
        var headers = header is null ? [] : new[] { (header, value.Replace("SELF", _app.Urls.Single(), StringComparison.Ordinal)) };

        var answer = await Api.SendAsync(HttpMethod.Post, path, content, headers);

        Assert.Equal(expected, (int)answer.Status);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("identity, gzip")]
    public async Task A_compressed_body_is_refused(string encoding)
    {
        using var content = new StringContent("{}", Encoding.UTF8, "application/json");
        content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);

        var answer = await Api.SendAsync(HttpMethod.Post, "/v1/tickets", content);

        answer.Problem(HttpStatusCode.UnsupportedMediaType, "encoded-body");
    }
}

using System.Net;
using Microsoft.Playwright;
using TicketApp.Tests.Fixtures;
using static Microsoft.Playwright.Assertions;

namespace TicketApp.Tests.Http;

/// <summary>Headers that keep answers out of caches and pages within bounds.</summary>
[Collection(AppCollection.Name)]
public sealed class ResponseHeaderTests(AppFixture app, BrowserFixture browser)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET", "/v1/tickets", 200)]
    [InlineData("GET", "/v1/stats", 200)]
    [InlineData("POST", "/v1/users", 201)]
    [InlineData("POST", "/user", 200)]
    [InlineData("POST", "/ticket", 400)]
    [InlineData("GET", "/ticket?ticket_id=x", 404)]
    [InlineData("GET", "/nothing", 404)]
    [InlineData("GET", "/v1/nothing", 404)]
    [InlineData("DELETE", "/v1/tickets", 405)]
    [InlineData("GET", "/v1/%00", 400)]
    [InlineData("GET", "/health", 200)]
    [InlineData("GET", "/alive", 200)]
    [InlineData("GET", "/openapi/v1.json", 200)]
    public async Task No_answer_is_cached_or_sniffed(string method, string path, int expected)
    {
        using var response = await SendAsync(method, path);

        Assert.Equal(
            (expected, true, "nosniff"),
            ((int)response.StatusCode, response.Headers.CacheControl?.NoStore, Header(response, "X-Content-Type-Options")));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/openapi/index.html")]
    public async Task Each_page_has_a_policy(string path)
    {
        using var response = await SendAsync("GET", path);

        Assert.Equal((HttpStatusCode.OK, "text/html"), (response.StatusCode, response.Content.Headers.ContentType?.MediaType));
        Assert.Equal("nosniff", Header(response, "X-Content-Type-Options"));
        var policy = Header(response, "Content-Security-Policy");
        Assert.Contains("default-src 'none'; script-src 'self';", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_description_is_shown_within_its_policy()
    {
        var page = await browser.OpenPageAsync(app.Api.BaseAddress!);
        await using var context = page.Context;
        List<string> complaints = [];
        page.Console += (_, message) =>
        {
            if (message.Type is "error")
            {
                complaints.Add(message.Text);
            }
        };

        await page.GotoAsync("/openapi");
        await Expect(page.GetByText("Submit a ticket").First).ToBeVisibleAsync(
            new LocatorAssertionsToBeVisibleOptions { Timeout = 30_000 });

        Assert.Empty(complaints);
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? string.Join(", ", values) : null;

    private async Task<HttpResponseMessage> SendAsync(string method, string path)
    {
        using HttpRequestMessage request = new(new HttpMethod(method), path);
        return await app.Api.SendAsync(request, Cancel);
    }
}

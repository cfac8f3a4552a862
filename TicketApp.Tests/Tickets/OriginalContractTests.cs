using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Tickets;

/// <summary>Every row of the original's HTTP contract: status, body and headers.</summary>
[Collection(AppCollection.Name)]
public sealed partial class OriginalContractTests(AppFixture app)
{
    private const string UserIdRequired = "User ID is required in the request body";
    private const string InvalidJson = "Invalid JSON format";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("nonsense")]
    public async Task Creating_a_user_needs_no_body(string? body)
    {
        using var response = await app.Api.PostAsync("/user", body is null ? null : new StringContent(body), Cancel);

        Assert.Matches(UserBody(), await OkAsync(response));
    }

    [Fact]
    public async Task Users_get_different_ids()
    {
        Assert.NotEqual(await app.CreateUserAsync(), await app.CreateUserAsync());
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData(null)]
    public async Task A_ticket_is_created_whatever_the_content_type_says(string? type)
    {
        using var content = new StringContent($$"""{"user_id":"{{await app.CreateUserAsync()}}"}""");
        content.Headers.ContentType = type is null ? null : MediaTypeHeaderValue.Parse(type);
        using var response = await app.Api.PostAsync("/ticket", content, Cancel);

        Assert.Matches(TicketBody(), await OkAsync(response));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("[]")]
    [InlineData("\"text\"")]
    [InlineData("null")]
    [InlineData("{\"user_id\":")]
    [InlineData("{\"user_id\":\"a\",\"user_id\":\"a\"}")]
    [InlineData("{\"user_id\":\"a\",\"n\":1e999}")]
    public async Task A_body_that_is_no_json_object_is_refused(string body)
    {
        await AssertMessageAsync(await PostTicketAsync(body), HttpStatusCode.BadRequest, InvalidJson);
    }

    [Fact]
    public async Task Bytes_that_are_no_text_are_refused()
    {
        using ByteArrayContent content = new([0x7B, 0xFF, 0xFE, 0x7D]);
        await AssertMessageAsync(await app.Api.PostAsync("/ticket", content, Cancel), HttpStatusCode.BadRequest, InvalidJson);
    }

    [Fact]
    public async Task Deep_nesting_is_refused()
    {
        var nested = new string('[', 20_000) + new string(']', 20_000);
        await AssertMessageAsync(await PostTicketAsync($$"""{"a":{{nested}}}"""), HttpStatusCode.BadRequest, InvalidJson);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{\"user_id\":null}")]
    [InlineData("{\"user_id\":\"\"}")]
    [InlineData("{\"user_id\":7}")]
    [InlineData("{\"user_id\":{}}")]
    [InlineData("{\"User_id\":\"x\"}")]
    public async Task A_missing_user_id_is_asked_for(string body)
    {
        await AssertMessageAsync(await PostTicketAsync(body), HttpStatusCode.BadRequest, UserIdRequired);
    }

    [Fact]
    public async Task No_body_at_all_is_asked_for_a_user_id()
    {
        await AssertMessageAsync(await app.Api.PostAsync("/ticket", null, Cancel), HttpStatusCode.BadRequest, UserIdRequired);
    }

    [Theory]
    [InlineData("01a205c3-9b52-7722-9296-5d0b2d8ba128")]
    [InlineData("00000000-0000-0000-0000-000000000000")]
    [InlineData("not-a-uuid")]
    [InlineData("'; drop table users; --")]
    public async Task An_unknown_user_is_not_found(string userId)
    {
        await AssertMessageAsync(await PostTicketAsync($$"""{"user_id":"{{userId}}"}"""), HttpStatusCode.NotFound, "User ID not found");
    }

    [Theory]
    [InlineData("/ticket", "Query param with Ticket ID is required")]
    [InlineData("/ticket?", "Query param with Ticket ID is required")]
    [InlineData("/ticket?other=1", "Ticket ID is required")]
    [InlineData("/ticket?ticket_id=", "Ticket ID is required")]
    [InlineData("/ticket?ticket_id", "Ticket ID is required")]
    public async Task Asking_without_a_ticket_id_is_refused(string path, string message)
    {
        await AssertMessageAsync(await app.Api.GetAsync(path, Cancel), HttpStatusCode.BadRequest, message);
    }

    [Theory]
    [InlineData("01a205c3-9b52-7722-9296-5d0b2d8ba128")]
    [InlineData("nonsense")]
    [InlineData("%01")]
    [InlineData("{01a205c3-9b52-7722-9296-5d0b2d8ba128}")]
    public async Task An_unknown_ticket_is_not_found(string id)
    {
        await AssertMessageAsync(await app.Api.GetAsync($"/ticket?ticket_id={id}", Cancel), HttpStatusCode.NotFound, "Ticket not found");
    }

    [Theory]
    [InlineData("POST", "/user")]
    [InlineData("POST", "/ticket")]
    public async Task A_body_over_64_KiB_is_too_large(string method, string path)
    {
        var padding = new string('x', 64 * 1024);
        foreach (var chunked in new[] { false, true })
        {
            using HttpRequestMessage request = new(new HttpMethod(method), path)
            {
                Content = new StringContent($$"""{"user_id":"{{padding}}"}"""),
            };
            request.Headers.TransferEncodingChunked = chunked;
            using var response = await app.Api.SendAsync(request, Cancel);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        }
    }

    [Fact]
    public async Task A_ticket_goes_from_202_to_200_and_stays_there()
    {
        var ticketId = await app.CreateTicketAsync(await app.CreateUserAsync());
        var answer = await app.FinishAsync(ticketId);

        Assert.Contains(answer, new[] { "Happy message", "Sad message" });
        for (var i = 0; i < 20; i++)
        {
            using var again = await app.Api.GetAsync($"/ticket?ticket_id={ticketId}", Cancel);
            Assert.Equal($$"""{"ticket_response":"{{answer}}"}""", await OkAsync(again));
        }
    }

    [Theory]
    [InlineData("GET", "/user", HttpStatusCode.MethodNotAllowed)]
    [InlineData("DELETE", "/ticket", HttpStatusCode.MethodNotAllowed)]
    [InlineData("GET", "/nowhere", HttpStatusCode.NotFound)]
    public async Task What_is_not_there_is_answered_in_json(string method, string path, HttpStatusCode status)
    {
        using HttpRequestMessage request = new(new HttpMethod(method), path);
        using var response = await app.Api.SendAsync(request, Cancel);

        Assert.Equal(status, response.StatusCode);
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancel));
        Assert.True(json.RootElement.TryGetProperty("message", out _));
    }

    private static async Task AssertMessageAsync(HttpResponseMessage response, HttpStatusCode status, string message)
    {
        using (response)
        {
            Assert.Equal(status, response.StatusCode);
            Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType?.ToString());
            Assert.Equal($$"""{"message":"{{message}}"}""", await response.Content.ReadAsStringAsync(Cancel));
        }
    }

    private static async Task<string> OkAsync(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        return await response.Content.ReadAsStringAsync(Cancel);
    }

    private Task<HttpResponseMessage> PostTicketAsync(string body) =>
        app.Api.PostAsync("/ticket", new StringContent(body, Encoding.UTF8, "application/json"), Cancel);

    [GeneratedRegex("""^\{"user_id":"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"\}$""")]
    private static partial Regex UserBody();

    [GeneratedRegex("""^\{"ticket_id":"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"\}$""")]
    private static partial Regex TicketBody();
}

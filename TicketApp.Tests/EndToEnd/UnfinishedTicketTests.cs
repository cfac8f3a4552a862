using System.Net;
using System.Text.Json;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.EndToEnd;

/// <summary>Tickets whose model takes far longer than their limit allows.</summary>
[Collection(SlowAppCollection.Name)]
public sealed class UnfinishedTicketTests(SlowAppFixture app)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_unfinished_ticket_is_accepted_and_says_when_and_where_to_ask_again()
    {
        var ticketId = await app.CreateTicketAsync(await app.CreateUserAsync());
        using var response = await app.Api.GetAsync($"/ticket?ticket_id={ticketId}", Cancel);

        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal("application/json; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        Assert.Equal(
            """{"message":"Ticket response has not completed yet, try again soon"}""",
            await response.Content.ReadAsStringAsync(Cancel));
        Assert.True(response.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
        Assert.Equal($"/ticket?ticket_id={ticketId}", response.Headers.Location?.ToString());
    }

    [Fact]
    public async Task A_ticket_over_its_limit_ends_with_408_and_exactly_one_message_in_errors_without_being_asked_for()
    {
        var ticketId = await app.CreateTicketAsync(await app.CreateUserAsync());
        // No request comes over HTTP until the message is there.
        var error = await app.Errors.OfAsync(ticketId);

        for (var i = 0; i < 50; i++)
        {
            using var response = await app.Api.GetAsync($"/ticket?ticket_id={ticketId}", Cancel);
            Assert.Equal(HttpStatusCode.RequestTimeout, response.StatusCode);
            Assert.Equal("""{"message":"Ticket processing request timeout"}""", await response.Content.ReadAsStringAsync(Cancel));
        }

        using var json = JsonDocument.Parse(error);
        Assert.Equal("Ticket processing request timeout", json.RootElement.GetProperty("message").GetString());
        Assert.InRange(
            json.RootElement.GetProperty("processing_time_in_seconds").GetDouble(),
            SlowAppFixture.Deadline.TotalSeconds,
            SlowAppFixture.Deadline.TotalSeconds + 20);
        // A further ticket's message comes after any repetition of the first one's would have.
        await app.Errors.OfAsync(await app.CreateTicketAsync(await app.CreateUserAsync()));
        Assert.Equal(1, app.Errors.CountOf(ticketId));
    }
}

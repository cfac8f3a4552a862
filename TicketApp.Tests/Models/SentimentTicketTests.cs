using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Models;

/// <summary>The model in the running application, chosen by a ticket.</summary>
[Collection(AppCollection.Name)]
public sealed class SentimentTicketTests(AppFixture app)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("What a lovely, funny film \ud83d\ude0a", "Happy message")]
    [InlineData("I DIDN'T LIKE IT. A dull, lifeless mess...", "Sad message")]
    public async Task A_text_is_answered_with_how_likely_the_answer_is(string input, string response)
    {
        var ticket = await RunAsync(input);

        Assert.Equal(response, ticket.GetProperty("response").GetString());
        Assert.InRange(ticket.GetProperty("response_details").GetProperty("probability").GetDouble(), 0.6, 1);
        using var original = await app.Api.GetAsync($"/ticket?ticket_id={ticket.GetProperty("id").GetString()}", Cancel);
        Assert.Equal($$"""{"ticket_response":"{{response}}"}""", await original.Content.ReadAsStringAsync(Cancel));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(" \n")]
    [InlineData("\ud83e\udd37")]
    public async Task A_text_that_says_nothing_is_answered_too(string? input)
    {
        var ticket = await RunAsync(input);

        Assert.EndsWith("message", ticket.GetProperty("response").GetString(), StringComparison.Ordinal);
        Assert.Equal("""{"probability":0.5,"unsure":true}""", ticket.GetProperty("response_details").GetRawText());
    }

    [Fact]
    public async Task A_text_at_the_limit_is_answered()
    {
        var answer = await RunAsync(new string('\u6f22', 10_000));

        Assert.EndsWith("message", answer.GetProperty("response").GetString(), StringComparison.Ordinal);
    }

    private async Task<JsonElement> RunAsync(string? input)
    {
        var userId = await app.CreateUserAsync();
        var model = await Eventually.GetAsync("The sentiment model", TimeSpan.FromSeconds(30), async () =>
            (await app.Api.GetStringAsync("/v1/models", Cancel)).Contains("\"sentiment\"", StringComparison.Ordinal) ? "sentiment" : null);
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/tickets")
        {
            Content = JsonContent.Create(new { user_id = userId, model, input }),
        };
        request.Headers.Add("Prefer", "wait=30");
        using var answer = await app.Api.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var ticket = await answer.Content.ReadFromJsonAsync<JsonElement>(Cancel);
        Assert.Equal("succeeded", ticket.GetProperty("status").GetString());
        return ticket;
    }
}

using System.Net;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Tickets;

/// <summary>Many tickets in one request.</summary>
[Collection(AppCollection.Name)]
public sealed class BatchTests(AppFixture app)
{
    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task Each_ticket_is_taken_or_refused_by_itself_in_order()
    {
        var user = await Api.CreateUserAsync();
        var good = $$"""{"user_id":"{{user}}","priority":"low"}""";
        var answer = await Api.PostAsync(
            "/v1/tickets/batch",
            $$"""{"tickets":[{{good}},{"user_id":"nobody"},17,{"user_id":"{{user}}","priority":"urgent"},{{good}}]}""");

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal(5, answer.Results.Count);
        Assert.Equal([null, 404, 400, 400, null], answer.Results.Select(result => result!["problem"]?["status"]!.GetValue<int>()));
        Assert.Equal([true, false, false, false, true], answer.Results.Select(result => result!["ticket"] is not null));
        Assert.Equal("succeeded", (await Api.FinishAsync(answer.Results[4]!["ticket"]!["id"]!.GetValue<string>())).TicketStatus);
    }

    [Fact]
    public async Task A_full_batch_is_taken_and_its_repetition_finds_the_same_tickets()
    {
        var user = await Api.CreateUserAsync();
        var body = $$"""{"tickets":[{{string.Join(',', Enumerable.Repeat($$"""{"user_id":"{{user}}"}""", 1000))}}]}""";
        var first = await Api.PostAsync("/v1/tickets/batch", body, ("Idempotency-Key", "batch"));
        var second = await Api.PostAsync("/v1/tickets/batch", body, ("Idempotency-Key", "batch"));

        var ids = first.Results.Select(result => result!["ticket"]!["id"]!.GetValue<string>()).ToArray();
        Assert.Equal(1000, ids.Distinct().Count());
        Assert.Equal(ids, second.Results.Select(result => result!["ticket"]!["id"]!.GetValue<string>()));
        Assert.All(second.Results, result => Assert.True(result!["replayed"]!.GetValue<bool>()));
    }

    [Theory]
    [InlineData("""{"tickets":[]}""")]
    [InlineData("""{"tickets":{}}""")]
    [InlineData("""{"ticket":[{}]}""")]
    [InlineData("""{"tickets":[{}],"more":1}""")]
    [InlineData("""[]""")]
    [InlineData("TOO MANY")]
    public async Task What_is_no_batch_is_refused(string body)
    {
        var sent = body == "TOO MANY" ? $$"""{"tickets":[{{string.Join(',', Enumerable.Repeat("{}", 1001))}}]}""" : body;
        (await Api.PostAsync("/v1/tickets/batch", sent)).Problem(HttpStatusCode.BadRequest, "invalid-request");
    }

    [Fact]
    public async Task A_batch_may_be_larger_than_other_bodies_but_not_without_end()
    {
        (await Api.PostAsync("/v1/tickets/batch", $$"""{"tickets":[{{new string(' ', 100_000)}}{}]}""")).Json["results"]!.AsArray();
        var answer = await Api.PostAsync("/v1/tickets/batch", new string(' ', (4 * 1024 * 1024) + 1), ("Expect", "100-continue"));
        answer.Problem(HttpStatusCode.RequestEntityTooLarge, "too-large");
    }
}

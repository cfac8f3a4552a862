using System.Net;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Api.Resources;

/// <summary>Canceling over HTTP; what it does to runs is tested where it is done.</summary>
[Collection(SlowAppCollection.Name)]
public sealed class CancelTests(SlowAppFixture app)
{
    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task A_ticket_is_canceled_once_and_for_all()
    {
        var ticket = (await Api.CreateTicketAsync(await Api.CreateUserAsync())).Id;
        var first = await Api.PostAsync($"/v1/tickets/{ticket}/cancel", null);
        Assert.Contains((first.Status, first.TicketStatus), new[] { (HttpStatusCode.OK, "canceled"), (HttpStatusCode.Accepted, "canceling") });

        var ended = await Api.FinishAsync(ticket);
        Assert.Equal("canceled", ended.TicketStatus);
        var again = await Api.PostAsync($"/v1/tickets/{ticket}/cancel", null);
        Assert.Equal((HttpStatusCode.OK, ended.Body), (again.Status, again.Body));
        (await Api.PostAsync($"/v1/tickets/{Guid.NewGuid()}/cancel", null)).Problem(HttpStatusCode.NotFound, "ticket-not-found");
    }

    [Fact]
    public async Task Queued_tickets_know_their_places()
    {
        var user = await Api.CreateUserAsync();
        var body = $$"""{"tickets":[{{string.Join(',', Enumerable.Repeat($$"""{"user_id":"{{user}}","policy":{"deadline_s":3600} }""", 1000))}}]}""";
        List<string> ids = [];
        for (var i = 0; i < 2; i++)
        {
            ids.AddRange((await Api.PostAsync("/v1/tickets/batch", body)).Results.Select(result => result!["ticket"]!["id"]!.GetValue<string>()));
        }

        try
        {
            // Places are those of the last look at the backlog, which may be from before all of these were stored.
            var last = await Eventually.GetAsync("a look that sees all of them", TimeSpan.FromSeconds(30), async () =>
                (await Api.GetAsync($"/v1/tickets/{ids[^1]}")).Json["queue"]!.AsObject() is var queue && queue["position"]!.ToString() == "1000+" ? queue : null);
            Assert.Equal("at_capacity", last["wait_reason"]!.GetValue<string>());

            List<int> positions = [];
            foreach (var id in ids)
            {
                var ticket = await Api.GetAsync($"/v1/tickets/{id}");
                if (ticket.Json["queue"] is { } queue && queue["position"]!.GetValueKind() == System.Text.Json.JsonValueKind.Number)
                {
                    positions.Add(queue["position"]!.GetValue<int>());
                }
            }

            Assert.Equal(1000, positions.Distinct().Count());
            Assert.Equal((1, 1000), (positions.Min(), positions.Max()));
        }
        finally
        {
            await Task.WhenAll(ids.Select(id => Api.PostAsync($"/v1/tickets/{id}/cancel", null)));
        }
    }
}

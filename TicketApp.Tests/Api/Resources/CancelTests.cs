using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
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
        Assert.Contains(
            (first.Status, first.TicketStatus),
            new[] { (HttpStatusCode.OK, "canceled"), (HttpStatusCode.Accepted, "canceling") });

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
        var request = $$"""{"user_id":"{{user}}","policy":{"deadline_s":3600} }""";
        var body = $$"""{"tickets":[{{string.Join(',', Enumerable.Repeat(request, 1000))}}]}""";
        List<string> ids = [];
        for (var i = 0; i < 2; i++)
        {
            var batch = await Api.PostAsync("/v1/tickets/batch", body);
            ids.AddRange(batch.Results.Select(result => result!["ticket"]!["id"]!.GetValue<string>()));
        }

        try
        {
            // A place is that of the last look at the backlog, a state that of now: they agree once nothing moves.
            await Eventually.IsTrueAsync("a place for each of the first thousand that wait", TimeSpan.FromSeconds(60), async () =>
            {
                var queues = await QueuesOfAsync(user);
                var places = queues
                    .Select(queue => queue["position"]!)
                    .Where(place => place.GetValueKind() == JsonValueKind.Number)
                    .Select(place => place.GetValue<int>());
                return queues.Count > 1000 && places.Order().SequenceEqual(Enumerable.Range(1, 1000))
                    && queues.All(queue => queue["wait_reason"]?.GetValue<string>() == "at_capacity");
            });
            Assert.Equal("1000+", (await Api.GetAsync($"/v1/tickets/{ids[^1]}")).Json["queue"]!["position"]!.GetValue<string>());
        }
        finally
        {
            await Task.WhenAll(ids.Select(id => Api.PostAsync($"/v1/tickets/{id}/cancel", null)));
        }
    }

    /// <summary>What is said of the places of the user's tickets that wait.</summary>
    private async Task<List<JsonObject>> QueuesOfAsync(string user)
    {
        List<JsonObject> queues = [];
        string? cursor = null;
        do
        {
            var page = (await Api.GetAsync($"/v1/tickets?user_id={user}&limit=100{(cursor is null ? "" : $"&cursor={cursor}")}")).Json;
            queues.AddRange(page["results"]!.AsArray().Select(ticket => ticket!["queue"]).OfType<JsonObject>());
            cursor = page["next"]?.GetValue<string>();
        }
        while (cursor is not null);
        return queues;
    }
}

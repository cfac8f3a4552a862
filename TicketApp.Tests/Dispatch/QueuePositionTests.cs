using System.Text.Json;
using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Dispatch;

/// <summary>Where tickets stand that wait.</summary>
[Collection(SlowAppCollection.Name)]
public sealed class QueuePositionTests(SlowAppFixture app)
{
    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task Queued_tickets_know_their_positions()
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
            // A position is that of the last query of the backlog, a state that of now: they agree once nothing moves.
            await Eventually.IsTrueAsync("a position for each of the first thousand that wait", TimeSpan.FromSeconds(60), async () =>
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

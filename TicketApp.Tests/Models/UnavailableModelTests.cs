using TicketApp.Tests.Fixtures;
using TicketApp.Worker.Models.Endpoints;

namespace TicketApp.Tests.Models;

/// <summary>What tickets show while what their model asks cannot be reached or takes no more.</summary>
[Collection(AppCollection.Name)]
public sealed class UnavailableModelTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Tickets_wait_for_the_model_while_all_of_its_workers_do_and_for_a_slot_once_one_does_not()
    {
        var model = $"busy-{Guid.NewGuid():N}";
        TaskCompletionSource isWanted = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var busy = await ModelServer.StartAsync(exchange => exchange.AnswerAsync("{}", 503));
        await using var slow = await ModelServer.StartAsync(async exchange =>
        {
            await isWanted.Task;
            await exchange.AnswerAsync(exchange.Body);
        });
        var user = await app.CreateUserAsync();
        List<string> tickets = [];

        await using (await StartAsync(model, busy))
        {
            foreach (var input in (string[])["a", "b", "c"])
            {
                tickets.Add(await app.CreateTicketAsync(user, model, input));
            }

            // The third one is the worker's.
            await WaitForAsync(tickets, 2, "model_unavailable");
            await using var other = await StartAsync(model, slow);
            await WaitForAsync(tickets, 1, "at_capacity");
            isWanted.SetResult();
        }

        // The one that waited in the worker that is gone was returned.
        await using var last = await StartAsync(model, slow);
        Assert.Equal(["a", "b", "c"], await Task.WhenAll(tickets.Select(app.FinishAsync)));
    }

    private Task<TestWorker> StartAsync(string model, ModelServer server) => TestWorker.StartAsync(
        app,
        model,
        builder => builder.AddConfiguredModels(),
        [.. KindOfModel.Settings("http", server.Url, model), new($"Models:{model}:Slots", "1")]);

    private Task WaitForAsync(IReadOnlyList<string> tickets, int count, string reason) =>
        Eventually.IsTrueAsync($"{count} tickets wait: {reason}", _limit, async () =>
        {
            ResourceClient api = new(app.Api);
            var shown = await Task.WhenAll(tickets.Select(ticket => api.GetAsync($"/v1/tickets/{ticket}")));
            var reasons = shown.Select(ticket => (string?)ticket.Json["queue"]?["wait_reason"]).ToArray();
            return reasons.Count(given => given == reason) == count && reasons.Count(given => given is not null) == count;
        });
}

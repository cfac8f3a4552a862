using Npgsql;
using TicketApp.Tests.Conformance;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Faults;

/// <summary>Workers in Python that die and that hang.</summary>
[Collection(FaultCollection.Name)]
public sealed class PythonWorkerTests(FaultApp app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task A_ticket_outlives_a_worker_that_is_killed_and_one_that_is_frozen_which_changes_nothing_when_it_wakes_up()
    {
        Assert.SkipUnless(ConformanceWorker.HasPika || !AppAvailability.MaySkip, "Python has no pika: run ./ticketapp setup.");
        var model = $"python-{Guid.NewGuid():N}";
        var python = ConformanceWorker.Python("conformance.py", model);
        var settings = ConformanceWorker.Settings(app.WorkerBroker);
        settings["Worker__Concurrency"] = "1";
        ChildProcess[] workers =
        [
            .. Enumerable.Range(1, 3).Select(number =>
                new ChildProcess($"python-{number}", python.Command, settings, () => Task.FromResult(true))),
        ];
        try
        {
            // One slot each, so that each of the first two has a ticket.
            List<string> tickets = [];
            var user = await app.CreateUserAsync();
            foreach (var worker in workers.Take(2))
            {
                await worker.StartAsync();
                await Eventually.IsTrueAsync("The model is served", _limit, async () => await WorkersAsync(model) == tickets.Count + 1);
                tickets.Add(await app.CreateTicketAsync(user, model, """{"seconds":6}"""));
                await Eventually.IsTrueAsync("It runs", _limit, async () =>
                    (await Api.GetAsync($"/v1/tickets/{tickets[^1]}")).TicketStatus == "running");
            }

            await workers[2].StartAsync();
            await workers[0].KillAsync();
            await workers[1].SignalAsync("STOP");

            foreach (var ticket in tickets)
            {
                var shown = await Api.FinishAsync(ticket);
                Assert.Equal(("succeeded", 2), (shown.TicketStatus, shown.Json["attempt"]!.GetValue<int>()));
            }

            var before = await Api.GetAsync($"/v1/tickets/{tickets[1]}");
            await workers[1].SignalAsync("CONT");
            await using var database = NpgsqlDataSource.Create(app.Database);
            await using var late = database.CreateCommand(
                $"select count(*) from ticket_attempts where ticket_id = '{tickets[1]}' and outcome = 'late'");
            await Eventually.IsTrueAsync("The late result", _limit, async () => await late.ExecuteScalarAsync(Cancel) is > 0L);
            Assert.Equal(before.Body, (await Api.GetAsync($"/v1/tickets/{tickets[1]}")).Body);
        }
        finally
        {
            await Task.WhenAll(workers.Select(worker => worker.DisposeAsync().AsTask()));
        }
    }

    /// <summary>How many workers serve the model, as far as each replica knows.</summary>
    private async Task<int> WorkersAsync(string model)
    {
        var answers = await Task.WhenAll(app.Replicas.Select(replica => new ResourceClient(replica).GetAsync("/v1/models")));
        return answers.Min(answer =>
            answer.Results.FirstOrDefault(shown => (string?)shown!["name"] == model)?["workers"]!.GetValue<int>() ?? 0);
    }
}

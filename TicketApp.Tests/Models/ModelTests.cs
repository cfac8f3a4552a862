using System.Net;
using Npgsql;
using TicketApp.Messaging;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Models;

/// <summary>Workers with models of their own, beside those of the application.</summary>
[Collection(AppCollection.Name)]
public sealed class ModelTests(AppFixture app)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_model_that_nobody_serves_holds_up_no_other()
    {
        TestModel absent = new((run, _) => Task.FromResult($"absent {run.Text}"));
        TestModel present = new((run, _) => Task.FromResult($"present {run.Text}"));
        await (await TestWorker.StartAsync(app, absent)).DisposeAsync();
        await using var worker = await TestWorker.StartAsync(app, present);
        var userId = await app.CreateUserAsync();
        // More than its window holds.
        var waiting = await Task.WhenAll(Enumerable.Range(0, 150).Select(i => app.CreateTicketAsync(userId, absent.Name, $"{i}")));

        Assert.Equal("present 1", await app.FinishAsync(await app.CreateTicketAsync(userId, present.Name, "1")));
        Assert.EndsWith("message", await app.FinishAsync(await app.CreateTicketAsync(userId)), StringComparison.Ordinal);
        using var unfinished = await app.Api.GetAsync($"/ticket?ticket_id={waiting[0]}", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Accepted, unfinished.StatusCode);

        await using var late = await TestWorker.StartAsync(app, absent);
        Assert.Equal(Enumerable.Range(0, 150).Select(i => $"absent {i}"), await Task.WhenAll(waiting.Select(app.FinishAsync)));
    }

    [Fact]
    public async Task Progress_is_stored_while_the_run_continues()
    {
        var ticketId = await app.CreateTicketAsync(
            await app.CreateUserAsync(), "simulated", """{"seed":2,"seconds":1.5,"progress":true}""");
        Assert.Equal("Sad message", await app.FinishAsync(ticketId));

        await using var database = NpgsqlDataSource.Create(app.Database);
        await using var command = database.CreateCommand(
            $"""
            select count(*) > 1 and bool_and(fraction between 0 and 1) and max(seq) = count(*)
            from ticket_progress where ticket_id = '{ticketId}'
            """);
        Assert.Equal(true, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_batch_ends_one_by_one_and_a_poisoned_input_fails_alone()
    {
        TaskCompletionSource gathered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var sizes = new System.Collections.Concurrent.ConcurrentQueue<int>();
        TestBatchModel model = new(
            async runs =>
            {
                await gathered.Task;
                sizes.Enqueue(runs.Count);
                return runs.Any(run => run.Input == "poison")
                    ? throw new InvalidOperationException("poisoned")
                    : [.. runs.Select(run => run.Input == "bad"
                        ? Worker.Models.ModelOutcome.Failed(Final("bad input"))
                        : Worker.Models.ModelOutcome.Answered($"batch {run.Text}"))];
            },
            (run, _) => run.Input == "poison" ? throw Final("poison") : Task.FromResult($"single {run.Text}"),
            largest: 8);
        await using var worker = await TestWorker.StartAsync(app, model);
        var userId = await app.CreateUserAsync();
        // The first one makes the others wait for it, and so share a call.
        var first = await app.CreateTicketAsync(userId, model.Name, "first");
        var others = await Task.WhenAll(new[] { "a", "bad", "b" }.Select(input => app.CreateTicketAsync(userId, model.Name, input)));
        gathered.SetResult();
        Assert.Equal("batch first", await app.FinishAsync(first));
        Assert.Equal("batch a", await app.FinishAsync(others[0]));
        Assert.Equal("batch b", await app.FinishAsync(others[2]));
        Assert.Equal("bad input", await ErrorOfAsync(others[1]));

        var poisoned = await Task.WhenAll(new[] { "c", "poison" }.Select(input => app.CreateTicketAsync(userId, model.Name, input)));
        Assert.EndsWith("c", await app.FinishAsync(poisoned[0]), StringComparison.Ordinal);
        Assert.Equal("poison", await ErrorOfAsync(poisoned[1]));
        Assert.Contains(sizes, size => size > 1);
    }

    [Fact]
    public async Task A_response_that_no_report_can_hold_fails_for_good_and_the_longest_that_one_can_is_an_answer()
    {
        TestModel model = new((run, _) => Task.FromResult(new string('x', WorkerReport.MaxResponse + (run.Input == "more" ? 1 : 0))));
        await using var worker = await TestWorker.StartAsync(app, model);
        var userId = await app.CreateUserAsync();

        Assert.Equal(WorkerReport.MaxResponse, (await app.FinishAsync(await app.CreateTicketAsync(userId, model.Name, "as much"))).Length);
        Assert.Equal(
            $"The response has more than {WorkerReport.MaxResponse} characters",
            await ErrorOfAsync(await app.CreateTicketAsync(userId, model.Name, "more")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_model_that_does_not_stop_loses_its_run_and_not_its_slot(bool isBatch)
    {
        using ManualResetEventSlim released = new();
        var model = isBatch
            ? new TestBatchModel(
                async runs => [Worker.Models.ModelOutcome.Answered(await AnswerAsync(runs[0]))],
                (run, _) => AnswerAsync(run),
                largest: 1)
            : new TestModel((run, _) => AnswerAsync(run), slots: 1);
        await using (var worker = await TestWorker.StartAsync(app, model, new KeyValuePair<string, string?>("Worker:MaxStuckRuns", "0")))
        {
            var userId = await app.CreateUserAsync();
            var blocked = await app.CreateTicketAsync(userId, model.Name, "block", new() { ["execution_timeout_s"] = 1 });
            var next = await app.CreateTicketAsync(userId, model.Name, "go");

            Assert.Equal("done", await app.FinishAsync(next));
            Assert.Equal("execution_timeout", await AttemptErrorOfAsync(blocked));
            await Eventually.IsTrueAsync("The worker asks for another start", _limit, () => worker.Stopping.IsCancellationRequested);
        }

        Assert.Equal(3, Environment.ExitCode);
        Environment.ExitCode = 0;
        released.Set();

        Task<string> AnswerAsync(Worker.Models.ModelRun run)
        {
            if (run.Input == "block")
            {
                // Ignores its token, and blocks its thread.
                released.Wait(CancellationToken.None);
            }

            return Task.FromResult("done");
        }
    }

    private static Worker.Models.ModelException Final(string message) => new(message) { IsFinal = true };

    private async Task<string> ErrorOfAsync(string ticketId) =>
        await TextAsync($"select error_message from tickets where ticket_id = '{ticketId}' and status = 'failed'");

    private async Task<string> AttemptErrorOfAsync(string ticketId) =>
        await TextAsync($"select error_type from ticket_attempts where ticket_id = '{ticketId}' limit 1");

    private Task<string> TextAsync(string sql) => Eventually.GetAsync(sql, _limit, async () =>
    {
        await using var database = NpgsqlDataSource.Create(app.Database);
        await using var command = database.CreateCommand(sql);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) as string;
    });
}

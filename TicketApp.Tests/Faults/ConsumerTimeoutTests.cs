using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Faults;

/// <summary>Runs that last longer than the broker lets a message stay unacknowledged (<see cref="FaultApp.ConsumerTimeout"/>).</summary>
[Collection(FaultCollection.Name)]
public sealed class ConsumerTimeoutTests(FaultApp app)
{
    private static readonly TimeSpan _longerThanTheTimeout = FaultApp.ConsumerTimeout * 1.5;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ResourceClient Api => new(app.Api);

    [Fact]
    public Task A_long_run_ends_at_its_first_attempt_and_nothing_else_is_disturbed() => Task.WhenAll(
        // Before the timeout, and so late that the broker ends the consumer.
        AssertEndsAtFirstAttemptAsync(acknowledgeAfter: "00:00:02"),
        AssertEndsAtFirstAttemptAsync(acknowledgeAfter: "1.00:00:00"));

    private async Task AssertEndsAtFirstAttemptAsync(string acknowledgeAfter)
    {
        HeldModel model = new();
        await using var worker = await TestWorker.StartAsync(
            app, model, new("Worker:AcknowledgeAfter", acknowledgeAfter), new($"Worker:Slots:{model.Name}", "1"));
        var user = await app.CreateUserAsync();
        var ran = await app.CreateTicketAsync(user, model.Name);
        var run = await model.StartedAsync();
        var waiting = await app.CreateTicketAsync(user, model.Name);

        using PeriodicTimer timeout = new(_longerThanTheTimeout);
        await timeout.WaitForNextTickAsync(Cancel);
        // The broker may send one more by now, and must not have it run without a slot.
        Assert.False(model.HasStarted);
        run.End();
        await AssertFinishedAsync(ran);
        (await model.StartedAsync()).End();
        await AssertFinishedAsync(waiting);

        Assert.Equal(1, model.Most);
        Assert.Equal(0, worker.Reconnections);
    }

    private async Task AssertFinishedAsync(string ticketId)
    {
        var ticket = await Api.FinishAsync(ticketId);
        Assert.Equal(("succeeded", 1), (ticket.TicketStatus, ticket.Json["attempt"]!.GetValue<int>()));
    }
}

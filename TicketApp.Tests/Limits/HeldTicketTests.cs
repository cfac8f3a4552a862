using System.Text.Json.Nodes;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Limits;

/// <summary>Tickets of users who have as many in progress as they may, in an application of two replicas.</summary>
public sealed class HeldTicketTests(LimitedApp app) : IClassFixture<LimitedApp>
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task A_users_tickets_run_one_after_the_other_within_the_limit_while_others_pass()
    {
        HeldModel model = new();
        await using var worker = await TestWorker.StartAsync(app, model);
        var user = await app.CreateUserAsync();
        var tickets = new string[3 * LimitedApp.MaxConcurrentPerUser];
        for (var i = 0; i < tickets.Length; i++)
        {
            tickets[i] = await app.CreateTicketAsync(user, model.Name);
        }

        var passing = await app.CreateTicketAsync(await app.CreateUserAsync(), model.Name, "quick");
        Assert.Equal("passed", await app.FinishAsync(passing));
        var waiting = await HeldAsync(tickets[^1]);
        Assert.Null(waiting["eta_seconds"]);

        Queue<HeldRun> running = new([await model.StartedAsync(), await model.StartedAsync()]);
        for (var ended = 1; ended <= tickets.Length; ended++)
        {
            Assert.False(model.HasStarted);
            var run = running.Dequeue();
            if (ended % 2 == 0)
            {
                await Api.PostAsync($"/v1/tickets/{run.TicketId}/cancel", null);
            }
            else
            {
                run.End();
            }

            if (ended <= tickets.Length - LimitedApp.MaxConcurrentPerUser)
            {
                running.Enqueue(await model.StartedAsync());
            }
        }

        foreach (var ticket in tickets)
        {
            await Api.FinishAsync(ticket);
        }

        Assert.Equal(LimitedApp.MaxConcurrentPerUser, model.Most);
    }

    [Fact]
    public async Task The_end_of_a_ticket_lets_one_start_that_waits_for_another_model()
    {
        HeldModel one = new();
        HeldModel another = new();
        await using var worker = await TestWorker.StartAsync(app, one);
        await using var second = await TestWorker.StartAsync(app, another);
        var user = await app.CreateUserAsync();
        for (var i = 0; i < LimitedApp.MaxConcurrentPerUser; i++)
        {
            await app.CreateTicketAsync(user, one.Name);
        }

        HeldRun[] running = [await one.StartedAsync(), await one.StartedAsync()];
        await HeldAsync(await app.CreateTicketAsync(user, another.Name));
        Assert.False(another.HasStarted);

        running[0].End();
        (await another.StartedAsync()).End();
        running[1].End();
    }

    /// <summary>What the ticket's <c>queue</c> says once it names the limit as what it waits for.</summary>
    private Task<JsonNode> HeldAsync(string ticketId) =>
        Eventually.GetAsync($"Ticket {ticketId} waits for its user's others", _limit, async () =>
        {
            var queue = (await Api.GetAsync($"/v1/tickets/{ticketId}")).Json["queue"];
            return queue?["wait_reason"]?.GetValue<string>() == "user_limit" ? queue : null;
        });
}

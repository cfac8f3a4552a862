using System.Net;
using TicketApp.Api.Operations;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Operations;

/// <summary>How the service is doing.</summary>
[Collection(AppCollection.Name)]
public sealed class StatisticsTests(AppFixture app)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ResourceClient Api => new(app.Api);

    [Fact]
    public async Task Numbers_are_at_stable_paths_and_ends_are_counted()
    {
        var before = await SucceededAsync();
        var user = await Api.CreateUserAsync();
        var tickets = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Api.CreateTicketAsync(user)));
        await Task.WhenAll(tickets.Select(ticket => Api.FinishAsync(ticket.Id)));

        await Eventually.GetAsync("The ends are counted", TimeSpan.FromSeconds(30), async () =>
            await SucceededAsync() >= before + 20 ? "" : null);
        var answer = await Api.GetAsync("/v1/stats");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        foreach (var numbers in new[] { answer.Json, answer.Json["models"]!["simulated"]!.AsObject() })
        {
            Assert.InRange(numbers["queued"]!.GetValue<long>(), 0, 1000);
            Assert.InRange(numbers["running"]!.GetValue<long>(), 0, 1000);
            Assert.InRange(numbers["oldest_age_seconds"]!.GetValue<double>(), 0, 1000);
            Assert.InRange(numbers["workers"]!.GetValue<int>(), 1, 10);
            Assert.InRange(numbers["slots"]!.GetValue<int>(), 1, 10_000);
            Assert.InRange(numbers["median_run_seconds"]!.GetValue<double>(), 0, 10);
            Assert.True(numbers["finished"]!["failed"]!.GetValue<long>() >= 0);
        }
    }

    [Fact]
    public async Task Each_end_is_counted_once_whoever_counts()
    {
        await using var database = await CreateAsync(tickets: 300);
        var counting = Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            for (var i = 0; i < 20; i++)
            {
                await new TotalsStore(database.Source).CountAsync(Cancel);
            }
        }));
        for (var i = 0; i < 30; i++)
        {
            await database.ExecuteAsync(
                """
                update tickets set status = 'succeeded', time_finished = now(), lease_expires = null, response = 'x'
                where ticket_id in (select ticket_id from tickets where time_finished is null limit 10)
                """);
        }

        await counting;
        await new TotalsStore(database.Source).CountAsync(Cancel);
        Assert.Equal(
            300,
            await database.ValueAsync<long>("select ended from ticket_totals where model = 'simulated' and status = 'succeeded'"));
    }

    [Fact]
    public async Task A_transaction_with_more_ends_than_one_call_counts_is_counted_as_a_whole()
    {
        await using var database = await CreateAsync(TotalsStore.MaxCount + 10);
        await database.ExecuteAsync(
            "update tickets set status = 'succeeded', time_finished = clock_timestamp(), lease_expires = null, response = 'x'");

        TotalsStore totals = new(database.Source);
        var counted = 0L;
        for (var i = 0; i < 3; i++)
        {
            counted += await totals.CountAsync(Cancel);
        }

        Assert.Equal(TotalsStore.MaxCount + 10, counted);
    }

    /// <summary>A database with as many tickets that are dispatched.</summary>
    private async Task<ScratchDatabase> CreateAsync(int tickets)
    {
        var database = await ScratchDatabase.CreateMigratedAsync(app);
        await database.ExecuteAsync(
            $"""
            insert into users (user_id) values ('00000000-0000-7000-8000-000000000001');
            insert into tickets (ticket_id, user_id, status, lease_expires, expires_at, due_at)
            select gen_random_uuid(), '00000000-0000-7000-8000-000000000001', 'dispatched', now(), now(), now()
            from generate_series(1, {tickets})
            """);
        return database;
    }

    private async Task<long> SucceededAsync() => (await Api.GetAsync("/v1/stats")).Json["finished"]!["succeeded"]!.GetValue<long>();
}

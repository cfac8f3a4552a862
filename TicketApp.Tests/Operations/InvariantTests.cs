using System.Net.Http.Json;
using System.Text.Json.Nodes;
using TicketApp.Api.Operations;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Operations;

/// <summary>The invariants hold for a database as the application keeps it, and each is seen when it is broken by hand.</summary>
[Collection(AppCollection.Name)]
public sealed class InvariantTests(AppFixture app)
{
    private static readonly TimeSpan _healing = TimeSpan.FromSeconds(90);

    private const string Id = "00000000-0000-7000-8000-000000000003";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>What breaks each, after the guards of the table were taken away.</summary>
    public static TheoryData<string, string> Breaks { get; } = new()
    {
        { "stranded", "update tickets set queue_key = null" },
        { "leased_for_ever", "update tickets set status = 'dispatched'" },
        { "lease_ended", "update tickets set status = 'running', lease_expires = now() - interval '2 minutes'" },
        { "overdue", "update tickets set due_at = now() - interval '1 minute'" },
        { "finished_without_end", "update tickets set status = 'failed'" },
        { "end_without_state", "update tickets set time_finished = now()" },
        { "ended_before_created", "update tickets set status = 'failed', time_finished = now() - interval '1 day'" },
        { "succeeded_too_late", "update tickets set status = 'succeeded', time_finished = now() + interval '1 day'" },
        {
            "end_changed",
            "update tickets set status = 'succeeded', time_finished = now(); "
            + $"insert into ticket_attempts (ticket_id, epoch, outcome, attempt) values ('{Id}', 1, 'failed', 1)"
        },
        { "response_without_success", "update tickets set status = 'failed', time_finished = now(), response = 'Happy message'" },
        {
            "report_pending",
            "update tickets set status = 'failed', report_pending = true, "
            + "time_finished = now() - interval '1 hour', time_created = now() - interval '1 day'"
        },
        {
            "erased_with_data",
            $"insert into erasures (erasure_id, user_id, quiet_at, time_completed) values ('{Id}', '{Id}', now(), now())"
        },
        { "guard_missing", "alter table tickets disable trigger tickets_finished_is_final, disable trigger tickets_removed" },
    };

    [Fact]
    public void Every_invariant_has_something_here_that_breaks_it() =>
        Assert.Equal(Invariant.All.Select(invariant => invariant.Name), Breaks.Select(row => row.Data.Item1));

    [Theory]
    [MemberData(nameof(Breaks))]
    public async Task What_is_broken_by_hand_is_counted(string name, string change)
    {
        await using var database = await CreateAsync();
        var store = new InvariantStore(database.Source);
        var before = await store.CountAsync(Cancel);
        Assert.True(before.Ok, string.Join(", ", before.Results.Where(result => result.Count > 0).Select(result => result.Name)));

        await database.ExecuteAsync(
            $"""
            alter table tickets drop constraint tickets_finished_ck, drop constraint tickets_leased_ck, drop constraint tickets_queued_ck;
            {change}
            """);

        var after = await store.CountAsync(Cancel);
        Assert.False(after.Ok);
        Assert.Equal(name == "guard_missing" ? 5 : 1, Assert.Single(after.Results, result => result.Name == name).Count);
    }

    [Fact]
    public async Task A_running_application_keeps_them_all()
    {
        var user = await app.CreateUserAsync();
        var tickets = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => app.CreateTicketAsync(user)));
        await Task.WhenAll(tickets.Select(app.FinishAsync));

        // What faults of other tests left behind is put right first; what breaks a guarantee never heals.
        Assert.Empty((await Eventually.LastAsync(_healing, BrokenAsync, broken => broken is []))!);
    }

    private async Task<string[]?> BrokenAsync()
    {
        var counts = await app.Api.GetFromJsonAsync<JsonObject>("/v1/admin/invariants", Cancel);
        string[] broken =
        [
            .. counts!["results"]!.AsArray()
                .Where(result => result!["count"]!.GetValue<long>() > 0)
                .Select(result => result!.ToJsonString()),
        ];
        Assert.Equal(broken.Length == 0, counts["ok"]!.GetValue<bool>());
        return broken;
    }

    private async Task<ScratchDatabase> CreateAsync()
    {
        var database = await ScratchDatabase.CreateMigratedAsync(app);
        await database.ExecuteAsync(
            $"""
            insert into users (user_id) values ('{Id}');
            insert into tickets (ticket_id, user_id, status, queue_key, epoch, expires_at, due_at)
            values ('{Id}', '{Id}', 'queued', 0, 1, now() + interval '5 minutes', now() + interval '5 minutes')
            """);
        return database;
    }
}

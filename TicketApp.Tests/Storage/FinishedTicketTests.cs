using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Storage;

/// <summary>The database itself keeps ends as they are, whatever code comes to it.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class FinishedTicketTests(DatabaseServer server)
{
    private const string Ticket = "00000000-0000-7000-8000-000000000002";
    private const string PlaceSql = "select finished_xid::text::numeric from tickets";

    [Theory]
    [InlineData("succeeded", "response = 'other'")]
    [InlineData("succeeded", "status = 'queued', queue_key = 0, time_finished = null, response = null, epoch = epoch + 1")]
    [InlineData("succeeded", "time_finished = now()")]
    [InlineData("succeeded", "status = 'failed'")]
    [InlineData("timed_out", "status = 'succeeded', response = 'late'")]
    [InlineData("failed", "status = 'queued', queue_key = 0, time_finished = null")]
    [InlineData("failed", "error_message = 'other'")]
    [InlineData("failed", "report_pending = false, error_message = 'other'")]
    [InlineData("canceled", "status = 'running', lease_expires = now(), time_finished = null, epoch = epoch + 1")]
    public async Task An_end_cannot_be_changed(string status, string change)
    {
        await using var database = await CreateAsync(status);
        var exception = await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync($"update tickets set {change}"));

        Assert.Equal("tickets_finished_is_final", exception.ConstraintName);
    }

    [Theory]
    [InlineData("failed", "report_pending = false")]
    [InlineData("timed_out", "status = 'queued', queue_key = 0, time_finished = null, epoch = epoch + 1, report_pending = false")]
    public async Task Its_message_is_ticked_off_and_what_did_not_succeed_is_retried(string status, string change)
    {
        await using var database = await CreateAsync(status);

        await database.ExecuteAsync($"update tickets set {change}");
    }

    [Theory]
    [InlineData("status = 'succeeded'")]
    [InlineData("time_finished = now()")]
    [InlineData("status = 'running'")]
    [InlineData("lease_expires = now()")]
    [InlineData("queue_key = null")]
    public async Task A_state_that_contradicts_itself_is_refused(string change)
    {
        await using var database = await CreateAsync("queued");
        var exception = await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync($"update tickets set {change}"));

        Assert.Equal(PostgresErrorCodes.CheckViolation, exception.SqlState);
    }

    [Theory]
    [InlineData("")]
    [InlineData(", finished_xid = pg_current_xact_id()")]
    public async Task Every_end_has_a_place_of_its_own_in_the_feed_whatever_its_statement_says_of_it(string place)
    {
        await using var database = await CreateAsync("queued");
        await database.ExecuteAsync($"update tickets set status = 'failed', time_finished = now(){place}");
        var first = await database.ValueAsync<decimal>(PlaceSql);
        // A retry that leaves the place of the end before.
        await database.ExecuteAsync("update tickets set status = 'queued', time_finished = null, epoch = epoch + 1");

        await database.ExecuteAsync($"update tickets set status = 'succeeded', time_finished = now(), response = 'x'{place}");

        Assert.True(await database.ValueAsync<decimal>(PlaceSql) > first);
    }

    private async Task<ScratchDatabase> CreateAsync(string status)
    {
        var database = await ScratchDatabase.CreateMigratedAsync(server);
        await database.ExecuteAsync(
            $"""
            insert into users (user_id) values ('{Ticket}');
            insert into tickets (ticket_id, user_id, status, queue_key, epoch, expires_at, due_at, time_finished, response, report_pending)
            values (
                '{Ticket}', '{Ticket}', '{status}', 0, 1, now(), now(), case when '{status}' <> 'queued' then now() end,
                'Happy message', '{status}' = 'failed')
            """);
        return database;
    }
}

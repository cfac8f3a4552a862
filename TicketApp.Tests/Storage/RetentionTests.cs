using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using TicketApp.Api.Storage;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Storage;

[Collection(AppCollection.Name)]
public sealed class RetentionTests(AppFixture app)
{
    private const string User = "00000000-0000-7000-8000-000000000004";
    private static readonly TimeSpan _kept = TimeSpan.FromHours(1);
    private static readonly string[] _belongings = ["ticket_attempts", "ticket_progress", "webhook_deliveries", "idempotency_keys"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_finished_long_ago_is_removed_with_all_that_belongs_to_it_and_nothing_else_is()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await database.ExecuteAsync($"insert into users (user_id) values ('{User}')");
        var old = DateTimeOffset.UtcNow - (2 * _kept);
        var finishedLongAgo = await InsertAsync(database, Guid.CreateVersion7(old), "succeeded", old);
        var ofTheOriginal = await InsertAsync(database, new Guid("f47ac10b-58cc-4372-a567-0e02b2c3d479"), "timed_out", old);
        var finishedLately = await InsertAsync(database, Guid.CreateVersion7(old), "failed", DateTimeOffset.UtcNow);
        var stillOpen = await InsertAsync(database, Guid.CreateVersion7(old), "queued", null);
        var notYetReported = await InsertAsync(database, Guid.CreateVersion7(old), "failed", old, reportPending: true);
        foreach (var ticketId in (Guid[])[finishedLongAgo, ofTheOriginal, finishedLately, stillOpen, notYetReported])
        {
            await database.ExecuteAsync(Belongings(ticketId));
        }

        PurgeStore store = new(database.Source, Options.Create(new RetentionOptions { FinishedFor = _kept }));

        var page = await store.PurgeAsync(Guid.Empty, beyondNow: false, PurgeLoop.MaxPart, Cancel);
        var beyond = await store.PurgeAsync(Guid.Empty, beyondNow: true, PurgeLoop.MaxPart, Cancel);

        Assert.Equal((1, 1), (page.Purged, beyond.Purged));
        Assert.Equal(ofTheOriginal, beyond.Last);
        Assert.Null((await store.PurgeAsync(page.Last!.Value, beyondNow: false, PurgeLoop.MaxPart, Cancel)).Last);
        var kept = await database.ValueAsync<long>(
            $"select count(*) from tickets where ticket_id in ('{finishedLately}', '{stillOpen}', '{notYetReported}')");
        Assert.Equal(3, kept);
        foreach (var table in (string[])["tickets", .. _belongings])
        {
            Assert.Equal((table, 3), (table, await database.ValueAsync<long>($"select count(*) from {table}")));
        }
    }

    [Fact]
    public async Task What_is_just_being_added_to_a_ticket_goes_with_it_too()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await database.ExecuteAsync($"insert into users (user_id) values ('{User}')");
        var ticketId = await InsertAsync(database, Guid.CreateVersion7(), "failed", DateTimeOffset.UtcNow);
        PurgeStore store = new(database.Source, Options.Create(new RetentionOptions()));
        await using var connection = await database.Source.OpenConnectionAsync(Cancel);
        await using var adding = await connection.BeginTransactionAsync(Cancel);
        await using Npgsql.NpgsqlCommand add = new(
            $"select from tickets where ticket_id = '{ticketId}' for key share; {Belongings(ticketId)}", connection, adding);
        await add.ExecuteNonQueryAsync(Cancel);

        var removal = store.DeleteAsync(ticketId, Cancel);
        await Eventually.IsTrueAsync("It waits", TimeSpan.FromSeconds(30), () => database.ValueAsync<bool>(
            "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"));
        await adding.CommitAsync(Cancel);

        Assert.Equal(Deletion.Deleted, await removal);
        foreach (var table in _belongings)
        {
            Assert.Equal((table, 0), (table, await database.ValueAsync<long>($"select count(*) from {table}")));
        }
    }

    [Fact]
    public async Task A_page_is_bounded_and_read_by_the_primary_key()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(app);
        await database.ExecuteAsync(
            $"""
            insert into users (user_id) values ('{User}');
            insert into tickets (ticket_id, user_id, status, queue_key, expires_at, due_at, time_finished)
            select ('00000000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, '{User}', 'failed', 0,
                now(), now(), now() - interval '2 hours'
            from generate_series(1, 2500) i
            """);
        PurgeStore store = new(database.Source, Options.Create(new RetentionOptions { FinishedFor = _kept }));

        var first = await store.PurgeAsync(Guid.Empty, beyondNow: false, PurgeLoop.MaxPart, Cancel);
        var second = await store.PurgeAsync(first.Last!.Value, beyondNow: false, PurgeLoop.MaxPart, Cancel);

        Assert.Equal((PurgeLoop.MaxPart, PurgeLoop.MaxPart), (first.Purged, second.Purged));
        Assert.Equal(500, await database.ValueAsync<long>("select count(*) from tickets"));
    }

    [Fact]
    public async Task A_ticket_says_when_it_is_removed_and_its_user_may_remove_it_before()
    {
        var ticketId = await app.CreateTicketAsync(await app.CreateUserAsync());
        await app.FinishAsync(ticketId);
        var ticket = (await app.Api.GetFromJsonAsync<JsonNode>($"/v1/tickets/{ticketId}", Cancel))!;
        Assert.Equal(TimeSpan.FromDays(7), ticket["purge_at"]!.GetValue<DateTime>() - ticket["finished_at"]!.GetValue<DateTime>());

        Assert.Equal(HttpStatusCode.NoContent, await DeleteAsync(ticketId));

        Assert.Equal(HttpStatusCode.NotFound, await DeleteAsync(ticketId));
        using var original = await app.Api.GetAsync($"/ticket?ticket_id={ticketId}", Cancel);
        using var resource = await app.Api.GetAsync($"/v1/tickets/{ticketId}", Cancel);
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (original.StatusCode, resource.StatusCode));
    }

    [Fact]
    public async Task A_ticket_that_has_not_finished_is_not_removed()
    {
        await using var database = Npgsql.NpgsqlDataSource.Create(app.Database);
        var (user, ticketId) = (await app.CreateUserAsync(), Guid.CreateVersion7());
        await using var insert = database.CreateCommand(
            $"""
            insert into tickets (ticket_id, user_id, status, queue_key, expires_at, due_at)
            values ('{ticketId}', '{user}', 'retryable', 0, now() + interval '1 minute', now() + interval '1 minute')
            """);
        await insert.ExecuteNonQueryAsync(Cancel);

        Assert.Equal(HttpStatusCode.Conflict, await DeleteAsync($"{ticketId}"));
    }

    private async Task<HttpStatusCode> DeleteAsync(string ticketId)
    {
        using var response = await app.Api.DeleteAsync($"/v1/tickets/{ticketId}", Cancel);
        return response.StatusCode;
    }

    private static string Belongings(Guid ticketId) =>
        $$"""
        insert into ticket_attempts (ticket_id, epoch, outcome, attempt) values ('{{ticketId}}', 0, 'worker_lost', 1);
        insert into ticket_progress (ticket_id, epoch, seq) values ('{{ticketId}}', 1, 1);
        insert into webhook_deliveries (delivery_id, ticket_id, user_id, host, event, ticket)
        values (gen_random_uuid(), '{{ticketId}}', '{{User}}', 'example.com', 'ticket.finished', '{}');
        insert into idempotency_keys (user_id, key, body_hash, ticket_id) values ('{{User}}', '{{ticketId}}', '', '{{ticketId}}');
        """;

    private static async Task<Guid> InsertAsync(
        ScratchDatabase database, Guid id, string status, DateTimeOffset? finished, bool reportPending = false)
    {
        await database.ExecuteAsync(
            $"""
            insert into tickets (ticket_id, user_id, status, queue_key, expires_at, due_at, time_finished, report_pending)
            values ('{id}', '{User}', '{status}', 0, now(), now(), {(finished is { } time ? $"'{time:O}'" : "null")}, {reportPending})
            """);
        return id;
    }
}

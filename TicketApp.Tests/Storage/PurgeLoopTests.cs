using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using TicketApp.Api.Auth;
using TicketApp.Api.Storage;
using TicketApp.Api.Tickets;
using TicketApp.Api.Webhooks;
using TicketApp.ServiceDefaults;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Storage;

/// <summary>Each loop that removes what is kept no longer, on more than it removes in one round.</summary>
[Collection(DatabaseCollection.Name)]
public sealed class PurgeLoopTests(DatabaseServer server) : IAsyncLifetime
{
    private const int Old = 2100;
    private readonly LoopProgress _progress = new(TimeProvider.System);
    private ScratchDatabase _database = null!;
    private DatabaseMigrator _migrator = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _database = await ScratchDatabase.CreateMigratedAsync(server);
        _migrator = new(_database.Source, _progress, NullLogger<DatabaseMigrator>.Instance);
        await _migrator.StartAsync(Cancel);
        // The last one is of today.
        await _database.ExecuteAsync(
            $"""
            with u as (insert into users (user_id) values (gen_random_uuid()) returning user_id)
            insert into tickets (ticket_id, user_id, status, queue_key, expires_at, due_at, time_finished)
            select ('00000000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid, user_id, 'succeeded'::ticket_status, 0,
                now(), now(), now() - interval '8 days'
            from u, generate_series(1, {Old}) i
            union all select '{Guid.CreateVersion7()}', user_id, 'succeeded', 0, now(), now(), now() from u
            """);
    }

    public async ValueTask DisposeAsync()
    {
        _migrator?.Dispose();
        await (_database?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    [Fact]
    public Task Tickets()
    {
        var options = Options.Create(new RetentionOptions());
        TicketPurge purger = new(new(_database.Source, options), _migrator, _progress, options, NullLogger<TicketPurge>.Instance);
        return AssertPurgesAsync("tickets", purger);
    }

    [Fact]
    public async Task Tickets_of_which_a_full_part_takes_longer_than_a_statement_may()
    {
        await _database.ExecuteAsync(
            """
            create function take_long() returns trigger language plpgsql as $$
            begin
                if (select count(*) from gone) > 600 then perform pg_sleep(10); end if;
                return null;
            end $$;
            create trigger takes_long after delete on tickets referencing old table as gone for each statement execute function take_long();
            do $$ begin execute format('alter database %I set statement_timeout = 2000', current_database()); end $$
            """);
        _database.Source.Clear();

        await Tickets();
    }

    [Fact]
    public async Task Idempotency_keys()
    {
        await _database.ExecuteAsync("insert into idempotency_keys select user_id, ticket_id::text, '', ticket_id from tickets");
        await AssertPurgesAsync("idempotency_keys", Loop(IdempotencyStore.Expiry(new())));
    }

    [Fact]
    public async Task Webhook_deliveries()
    {
        await _database.ExecuteAsync(
            """
            insert into webhook_deliveries (delivery_id, ticket_id, user_id, host, event, ticket, due_at, outcome, time_ended)
            select ticket_id, ticket_id, user_id, 'example.com', 'ticket.finished', '{}', null, 'dead', time_finished from tickets
            """);
        await AssertPurgesAsync("webhook_deliveries", Loop(DeliveryStore.Expiry(new() { Retention = TimeSpan.FromDays(7) })));
    }

    [Fact]
    public async Task Users_who_signed_up_and_never_came_back()
    {
        await _database.ExecuteAsync("insert into sign_ups (user_id, prefix, hash) select ticket_id, ticket_id::text, '' from tickets");
        await AssertPurgesAsync("(select user_id as ticket_id from sign_ups)", Loop(SignUps.Expiry(new())));
    }

    private ExpiryLoop Loop(Expiry expiry) => new(expiry, _database.Source, _migrator, _progress, NullLogger<ExpiryLoop>.Instance);

    private async Task AssertPurgesAsync(string table, BackgroundService purger)
    {
        Assert.Equal(Old + 1L, await _database.ValueAsync<long>($"select count(*) from {table} counted"));
        using (purger)
        {
            await purger.StartAsync(Cancel);
            await Eventually.GetAsync<object>("What is old is gone", TimeSpan.FromSeconds(30), async () =>
                await _database.ValueAsync<long>($"select count(*) from {table} counted") == 1 ? new() : null);
            await purger.StopAsync(Cancel);
        }

        var kept = await _database.ValueAsync<long>(
            $"""
            select count(*) from {table} t join tickets k on k.ticket_id = t.ticket_id
            where k.time_finished > now() - interval '1 day'
            """);
        Assert.Equal(1L, kept);
    }
}

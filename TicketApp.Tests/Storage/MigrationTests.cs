using TicketApp.Api.Storage;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Storage;

[Collection(DatabaseCollection.Name)]
public sealed class MigrationTests(DatabaseServer server)
{
    private static readonly Migration _column = new(Migration.All.Count + 1, "column", "alter table tickets add column later text");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_second_run_finds_nothing_to_do()
    {
        await using var database = await ScratchDatabase.CreateAsync(server);

        Assert.Equal(Migration.All.Count, await DatabaseMigrator.MigrateAsync(database.Source, Migration.All, Cancel));
        Assert.Equal(0, await DatabaseMigrator.MigrateAsync(database.Source, Migration.All, Cancel));
    }

    [Fact]
    public async Task Of_many_replicas_at_once_one_migrates()
    {
        await using var database = await ScratchDatabase.CreateAsync(server);
        // An index that is built beside the traffic waits for every statement that is older,
        // those of replicas that wait for their turn included.
        Migration index = new(
            Migration.All.Count + 1, "index", "create index concurrently if not exists users_time_ix on users (time_created);");
        Migration[] migrations = [.. Migration.All, index];
        var applied = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ =>
            DatabaseMigrator.MigrateAsync(database.Source, migrations, Cancel)));

        Assert.Equal(migrations.Length, Assert.Single(applied, count => count > 0));
    }

    [Fact]
    public async Task A_step_that_fails_leaves_nothing_behind_and_can_be_tried_again()
    {
        await using var database = await ScratchDatabase.CreateAsync(server);
        Migration broken = new(Migration.All.Count + 1, "broken", "create table half_done (id int); select 1 / 0;");
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() =>
            DatabaseMigrator.MigrateAsync(database.Source, [.. Migration.All, broken], Cancel));

        Assert.False(await database.ValueAsync<bool>("select to_regclass('half_done') is not null"));
        var repaired = broken with { Sql = "create table done (id int)" };
        Assert.Equal(1, await DatabaseMigrator.MigrateAsync(database.Source, [.. Migration.All, repaired], Cancel));
    }

    [Fact]
    public async Task A_database_of_a_newer_release_serves_an_older_program()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        Assert.Equal(1, await DatabaseMigrator.MigrateAsync(database.Source, [.. Migration.All, _column], Cancel));

        Assert.Equal(0, await DatabaseMigrator.MigrateAsync(database.Source, Migration.All, Cancel));
    }

    [Fact]
    public async Task A_database_that_no_longer_serves_an_older_program_tells_it_so()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        Migration breaking = new(_column.Version + 1, "breaking", $"update schema_migrations set oldest_program = {_column.Version}");
        Assert.Equal(2, await DatabaseMigrator.MigrateAsync(database.Source, [.. Migration.All, _column, breaking], Cancel));

        Assert.Equal(0, await DatabaseMigrator.MigrateAsync(database.Source, [.. Migration.All, _column], Cancel));
        var exception = await Assert.ThrowsAsync<NewerSchemaException>(() =>
            DatabaseMigrator.MigrateAsync(database.Source, Migration.All, Cancel));
        Assert.Contains("newer release", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_original_tables_keep_their_rows()
    {
        await using var database = await ScratchDatabase.CreateAsync(server);
        await database.ExecuteAsync(
            """
            create table users (user_id uuid primary key, time_created timestamptz not null);
            create table tickets (
                ticket_id uuid primary key, user_id uuid not null references users, time_created timestamptz not null,
                time_finished timestamptz, response text);
            insert into users values ('00000000-0000-7000-8000-000000000001', now() - interval '1 day');
            insert into tickets
            select ('00000000-0000-7000-8000-00000000000' || n)::uuid, '00000000-0000-7000-8000-000000000001',
                now() - interval '1 hour', finished, response
            from (values
                (1, now() - interval '59 minutes', 'Happy message'),
                (2, now() - interval '50 minutes', 'Sad message'),
                (3, null, null)) t (n, finished, response)
            """);
        await DatabaseMigrator.MigrateAsync(database.Source, Migration.All, Cancel);

        await using var fresh = await ScratchDatabase.CreateMigratedAsync(server);
        Assert.Equal(await SchemaCatalog.ReadAsync(fresh), await SchemaCatalog.ReadAsync(database));
        Assert.Equal(
            "succeeded timed_out queued",
            await database.ValueAsync<string>("select string_agg(status::text, ' ' order by ticket_id) from tickets"));
    }

    [Fact]
    public void Versions_have_no_gaps()
    {
        Assert.Equal(Enumerable.Range(1, Migration.All.Count), Migration.All.Select(migration => migration.Version));
    }
}

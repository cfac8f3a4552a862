using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Storage;

/// <summary>Databases that commits before the first release made with their 15 scripts.</summary>
[Collection(DatabaseCollection.Name)]
public sealed partial class UnreleasedSchemaTests(DatabaseServer server)
{
    private const string User = "00000000-0000-7000-8000-000000000001";

    // A ticket in each status, in the order of the type, and rows in the tables beside.
    private const string RowsSql =
        $"""
        insert into users (user_id) values ('{User}');
        insert into api_keys (prefix, user_id, hash) values ('tk_1', '{User}', '\x01');
        insert into tickets (
            ticket_id, user_id, status, queue_key, lease_expires, time_finished, response, webhook_url, webhook_events, expires_at, due_at)
        select ('00000000-0000-7000-8000-0000000001' || to_char(row_number() over (order by s), 'FM00'))::uuid, '{User}', s, 1,
            case when s in ('released', 'running', 'canceling') then now() + interval '1 hour' end,
            case when s >= 'succeeded' then now() end, case s when 'succeeded' then 'Happy message' end, 'https://example.org/', 3,
            now() + interval '1 hour', now() + interval '1 hour'
        from unnest(enum_range(null::ticket_status)) s;
        insert into ticket_attempts (ticket_id, epoch, outcome, attempt)
        select ticket_id, 1, 'failed', 1 from tickets where status = 'waiting';
        insert into ticket_progress (ticket_id, epoch, seq, text) select ticket_id, 1, 1, 'Hap' from tickets where status = 'running';
        insert into workers (worker, slots, last_seen, models) values ('worker', 10, now(), '{JsonOfSimulated}');
        insert into api_replicas (replica, last_seen) values (gen_random_uuid(), now() - interval '16 s');
        insert into idempotency_keys (user_id, key, body_hash, ticket_id)
        select '{User}', 'key', '\x01', ticket_id from tickets where status = 'released';
        insert into ticket_totals (model, status, ended) values ('simulated', 'succeeded', 1);
        """;

    private const string JsonOfSimulated = """{"simulated":10}""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [GeneratedRegex(@"^--- (?<version>\d{4})_(?<name>\w+)\.sql\n(?<sql>.*?)(?=^--- |\z)", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Scripts { get; }

    [Fact]
    public async Task One_of_the_last_commit_becomes_the_same_as_a_new_one()
    {
        await using var database = await CreateAsync(15);
        await database.ExecuteAsync(RowsSql);
        await using var fresh = await ScratchDatabase.CreateMigratedAsync(server);

        Assert.Equal(Migration.All.Count - 1, await UpgradeAsync(database));
        Assert.Equal(0, await UpgradeAsync(database));

        Assert.Equal(await SchemaCatalog.ReadAsync(fresh), await SchemaCatalog.ReadAsync(database));
    }

    [Fact]
    public async Task Its_rows_stay_and_are_served()
    {
        await using var database = await CreateAsync(15);
        await database.ExecuteAsync(RowsSql);
        await UpgradeAsync(database);

        Assert.Equal(
            "queued retryable dispatched running canceling succeeded failed timed_out expired canceled",
            await database.ValueAsync<string>("select string_agg(status::text, ' ' order by ticket_id) from tickets"));
        string[] tables =
            ["users", "api_keys", "ticket_attempts", "ticket_progress", "workers", "api_replicas", "idempotency_keys", "ticket_totals"];
        foreach (var table in tables)
        {
            Assert.Equal(1, await database.ValueAsync<long>($"select count(*) from {table}"));
        }

        ScratchBacklog backlog = new(database);
        var ticket = Assert.Single(await backlog.DispatchAsync(10)).TicketId;
        Assert.Equal("dispatched", await database.ValueAsync<string>($"select status::text from tickets where ticket_id = '{ticket}'"));
        await backlog.QueueAsync(Guid.Parse(User), TicketPriority.Normal, 1);
        // A webhook is created and an end is final, as before.
        await database.ExecuteAsync($"update tickets set status = 'running' where ticket_id = '{ticket}'");
        Assert.Equal(1, await database.ValueAsync<long>("select count(*) from webhook_deliveries where ticket ->> 'status' = 'running'"));
        await Assert.ThrowsAsync<PostgresException>(
            () => database.ExecuteAsync("update tickets set response = 'Sad message' where status = 'succeeded'"));
    }

    [Fact]
    public async Task An_older_one_is_refused_with_what_to_do()
    {
        await using var database = await CreateAsync(14);
        var exception = await Assert.ThrowsAsync<PostgresException>(() => UpgradeAsync(database));

        Assert.Contains("version 14", exception.MessageText, StringComparison.Ordinal);
        Assert.Contains("0015_vacuum_by_number.sql", exception.MessageText, StringComparison.Ordinal);
        Assert.True(DatabaseErrors.IsUnavailable(exception));
        Assert.Equal(14, await database.ValueAsync<int>("select max(version) from schema_migrations"));
    }

    [Fact]
    public async Task One_that_an_older_program_serves_from_is_left_alone_until_that_has_stopped()
    {
        await using var database = await CreateAsync(15);
        await database.ExecuteAsync("insert into api_replicas (replica, last_seen) values (gen_random_uuid(), now())");
        var exception = await Assert.ThrowsAsync<PostgresException>(() => UpgradeAsync(database));
        Assert.Contains("stop that one", exception.MessageText, StringComparison.Ordinal);
        Assert.Equal(15, await database.ValueAsync<int>("select max(version) from schema_migrations"));

        await database.ExecuteAsync("delete from api_replicas");
        Assert.Equal(Migration.All.Count - 1, await UpgradeAsync(database));
    }

    [Fact]
    public async Task Programs_before_the_first_release_are_refused_by_the_new_schema()
    {
        await using var database = await ScratchDatabase.CreateMigratedAsync(server);
        var scripts = await ReadAsync();
        var exception = await Assert.ThrowsAsync<PostgresException>(
            () => DatabaseMigrator.MigrateAsync(database.Source, scripts, Cancel));

        Assert.EndsWith("already exists", exception.MessageText, StringComparison.Ordinal);
        await using var fresh = await ScratchDatabase.CreateMigratedAsync(server);
        Assert.Equal(await SchemaCatalog.ReadAsync(fresh), await SchemaCatalog.ReadAsync(database));
    }

    private static Task<int> UpgradeAsync(ScratchDatabase database) =>
        DatabaseMigrator.MigrateAsync(database.Source, Migration.All, Cancel);

    /// <summary>A database as the first scripts left it.</summary>
    private async Task<ScratchDatabase> CreateAsync(int version)
    {
        var database = await ScratchDatabase.CreateAsync(server);
        await database.ExecuteAsync(
            """
            create table schema_migrations (
                version      integer     not null,
                name         text        not null,
                time_applied timestamptz not null default clock_timestamp(),
                constraint schema_migrations_pk primary key (version)
            )
            """);
        foreach (var script in (await ReadAsync()).Take(version))
        {
            await database.ExecuteAsync(script.Sql);
            await database.ExecuteAsync($"insert into schema_migrations (version, name) values ({script.Version}, '{script.Name}')");
        }

        return database;
    }

    private static async Task<IReadOnlyList<Migration>> ReadAsync()
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "TicketApp.Tests", "Storage", "schema_0015.sql"), Cancel);
        Migration[] scripts = [.. Scripts.Matches(text).Select(match => new Migration(
            int.Parse(match.Groups["version"].Value, CultureInfo.InvariantCulture),
            match.Groups["name"].Value,
            match.Groups["sql"].Value))];
        Assert.Equal(Enumerable.Range(1, 15), scripts.Select(script => script.Version));
        return scripts;
    }
}

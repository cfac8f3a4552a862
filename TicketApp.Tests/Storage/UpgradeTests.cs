using System.Data;
using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.Storage;

/// <summary>
/// Upgrades of a database that is in use. The statements of traffic run beside them, and each fails if it is held up for seconds.
/// </summary>
[Collection(DatabaseCollection.Name)]
public sealed class UpgradeTests(DatabaseServer server) : IAsyncLifetime
{
    private const string Index = "tickets_upgraded_ix";
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    // What later releases may do to a table in use: something that needs the strongest lock, and an index.
    private static readonly Migration _column = new(Migration.All.Count + 1, "column", "alter table tickets add column upgraded text");
    private static readonly Migration _index = new(
        Migration.All.Count + 2, "index", $"create index concurrently if not exists {Index} on tickets (upgraded);");

    private ScratchDatabase _database = null!;
    private ScratchBacklog _backlog = null!;
    private Guid _user;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _database = await ScratchDatabase.CreateAsync(server);
        await DatabaseMigrator.MigrateAsync(_database.Source, Migration.All, Cancel);
        // A migration may take longer than the statements of callers.
        await _database.ExecuteAsync(
            "do $$ begin execute format('alter database %I set statement_timeout = ''5s''', current_database()); end $$");
        _database.Source.Clear();
        _backlog = new(_database);
        _user = await _backlog.CreateUserAsync();
        await ServeAsync();
    }

    public ValueTask DisposeAsync() => _database?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact]
    public async Task Traffic_continues_while_a_lock_is_waited_for()
    {
        await using var reader = await ReadAsync();
        using CancellationTokenSource upgraded = new();
        var traffic = ServeUntilAsync(upgraded.Token);
        var upgrade = DatabaseMigrator.MigrateAsync(_database.Source, [.. Migration.All, _column, _index], Cancel);
        // It asks for the lock, lets go and asks again.
        await Eventually.IsTrueAsync("The lock is waited for", _limit, WaitsForLockAsync);
        await Eventually.IsTrueAsync("The lock is let go", _limit, async () => !await WaitsForLockAsync());
        await Eventually.IsTrueAsync("The lock is waited for again", _limit, WaitsForLockAsync);
        Assert.False(upgrade.IsCompleted);
        await reader.DisposeAsync();

        Assert.Equal(2, await upgrade.WaitAsync(_limit, Cancel));
        Assert.True(await IsValidAsync());
        await upgraded.CancelAsync();
        var stored = await traffic;
        Assert.Equal(stored + 1L, await _database.ValueAsync<long>("select count(*) from tickets"));
    }

    [Fact]
    public async Task An_index_build_that_lost_its_connection_is_begun_again()
    {
        Migration[] migrations = [.. Migration.All, _column, _index];
        await DatabaseMigrator.MigrateAsync(_database.Source, migrations[..^1], Cancel);
        await using (await ReadAsync())
        {
            var upgrade = DatabaseMigrator.MigrateAsync(_database.Source, migrations, Cancel);
            await Eventually.IsTrueAsync("The build waits for the older transaction", _limit, async () =>
                await _database.ValueAsync<bool>(
                    $"select exists (select from pg_index where indexrelid = to_regclass('{Index}') and not indisvalid)"));
            await ServeAsync();
            await _database.ExecuteAsync(
                """
                select pg_terminate_backend(pid) from pg_stat_activity
                where datname = current_database() and query like 'create index%'
                """);
            var lost = await Assert.ThrowsAnyAsync<NpgsqlException>(() => upgrade.WaitAsync(_limit, Cancel));
            Assert.True(DatabaseErrors.IsUnavailable(lost));
            Assert.False(await IsValidAsync());
        }

        Assert.Equal(1, await DatabaseMigrator.MigrateAsync(_database.Source, migrations, Cancel).WaitAsync(_limit, Cancel));
        Assert.True(await IsValidAsync());
    }

    /// <summary>
    /// What a transaction that has read the table keeps from others until it is disposed of: the strongest
    /// lock on it, and an index that is built concurrently.
    /// </summary>
    private async Task<IAsyncDisposable> ReadAsync()
    {
        var connection = await _database.Source.OpenConnectionAsync(Cancel);
        await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, Cancel);
        await using NpgsqlCommand read = new("select count(*) from tickets", connection);
        await read.ExecuteScalarAsync(Cancel);
        return connection;
    }

    /// <summary>Stores, reads and dispatches tickets again and again.</summary>
    /// <returns>How many.</returns>
    private async Task<int> ServeUntilAsync(CancellationToken end)
    {
        var served = 0;
        while (!end.IsCancellationRequested)
        {
            await ServeAsync();
            served++;
        }

        return served;
    }

    private async Task ServeAsync()
    {
        var ticket = Assert.Single(await _backlog.QueueAsync(_user, TicketPriority.Normal, 1));
        Assert.Equal(ticket, Assert.Single(await _backlog.DispatchAsync(1)).TicketId);
        await _backlog.FinishAsync(ticket);
    }

    private Task<bool> WaitsForLockAsync() => _database.ValueAsync<bool>(
        "select exists (select from pg_locks where relation = to_regclass('tickets') and mode = 'AccessExclusiveLock' and not granted)");

    private Task<bool> IsValidAsync() => _database.ValueAsync<bool>(
        $"select exists (select from pg_index where indexrelid = to_regclass('{Index}') and indisvalid)");
}

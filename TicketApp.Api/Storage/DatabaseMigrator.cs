using Npgsql;
using TicketApp.Api.Http;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Storage;

/// <summary>
/// Brings the schema up to date before anything is served, and waits for the database as long as that takes.
/// Replicas that start together take turns under an advisory lock; the second one finds nothing to do.
/// </summary>
internal sealed partial class DatabaseMigrator(
    [FromKeyedServices(DatabaseMigrator.Source)] NpgsqlDataSource database,
    LoopProgress progress,
    ILogger<DatabaseMigrator> logger,
    IHostApplicationLifetime? lifetime = null,
    CursorSeal? cursors = null)
    : SupervisedLoop("bring the schema up to date", progress, logger)
{
    /// <summary>The data source of the role that owns the schema, and the connection string of a role that does nothing else.</summary>
    public const string Source = "migrations";

    // Any number will do, so long as nothing else in the database takes the same one.
    private const long LockKey = 0x7469636b657473; // "tickets"

    // Whatever the role has for its other sessions.
    private const string SessionSql = "set lock_timeout = '1s'; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0";

    // Programs of older releases run on newer schemas, while an upgrade rolls and after it was rolled back. A migration ends that for
    // programs that know less than version N: update schema_migrations set oldest_program = N.
    private const string HistorySql =
        """
        create table if not exists schema_migrations (
            version        integer     not null,
            name           text        not null,
            time_applied   timestamptz not null default clock_timestamp(),
            oldest_program integer     not null default 1,
            constraint schema_migrations_pk primary key (version)
        )
        """;

    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _firstLockPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _lastLockPause = TimeSpan.FromSeconds(8);

    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the schema is up to date.</summary>
    public Task Ready => _ready.Task;

    /// <summary>
    /// Applies what is missing of <paramref name="migrations"/>, each with its record. Traffic continues: a step that does not get a lock
    /// within a second lets go, because a lock that is waited for keeps everybody else from the table, and tries again later.
    /// </summary>
    /// <returns>How many were applied.</returns>
    /// <exception cref="PostgresException">Another transaction still had a lock on a table after several tries: call again.</exception>
    /// <exception cref="NewerSchemaException">The schema is too new for this program.</exception>
    public static async Task<int> MigrateAsync(
        NpgsqlDataSource database, IReadOnlyList<Migration> migrations, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        try
        {
            await ExecuteAsync(connection, SessionSql, cancellationToken);
            await LockAsync(connection, cancellationToken);
            await ExecuteAsync(connection, HistorySql, cancellationToken);
            await UpgradeUnreleasedAsync(connection, cancellationToken);
            var applied = await AppliedAsync(connection, cancellationToken);
            if (applied > migrations.Count)
            {
                await RefuseIfTooNewAsync(connection, applied, migrations.Count, cancellationToken);
                return 0;
            }

            foreach (var migration in migrations.Skip(applied))
            {
                await UnlockedAsync(() => ApplyAsync(connection, migration, cancellationToken), cancellationToken);
            }

            return migrations.Count - applied;
        }
        finally
        {
            // The session ends with the migration, however that went, and with it its lock and its settings.
            database.Clear();
        }
    }

    /// <inheritdoc/>
    public override bool IsEssential => true;

    protected override ValueTask<bool> WaitForWorkAsync(CancellationToken stoppingToken) => new(!Ready.IsCompleted);

    protected override async Task RunAsync(CancellationToken stoppingToken)
    {
        try
        {
            var applied = await MigrateAsync(database, Migration.All, stoppingToken);
            if (cursors is not null)
            {
                await using var key = database.CreateCommand("select key from cursor_key");
                cursors.Use((byte[])(await key.ExecuteScalarAsync(stoppingToken))!);
            }

            Log.Migrated(Logger, Migration.All.Count, applied);
            _ready.SetResult();
        }
        catch (NewerSchemaException exception)
        {
            // Nothing that this program could wait for.
            Log.Newer(Logger, exception.Message);
            Environment.ExitCode = 1;
            lifetime?.StopApplication();
            throw;
        }
    }

    protected override string? Explain(Exception exception) =>
        exception is NewerSchemaException ? exception.Message : DatabaseErrors.Describe(exception);

    /// <summary>Takes the lock among replicas.</summary>
    private static async Task LockAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // Asked for again and again: a statement that waited would be one that a concurrent index build waits for.
        while (!await ValueAsync<bool>(connection, $"select pg_try_advisory_lock({LockKey})", cancellationToken))
        {
            await Task.Delay(_pause, cancellationToken);
        }
    }

    /// <summary>Before the first release there were 15 scripts, of which the first had this name. They are one now.</summary>
    private static async Task UpgradeUnreleasedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        const string Sql = "select exists (select from schema_migrations where name = 'users_and_tickets')";
        if (await ValueAsync<bool>(connection, Sql, cancellationToken))
        {
            await UnlockedAsync(() => ExecuteAsync(connection, Migration.UpgradeUnreleased, cancellationToken), cancellationToken);
        }
    }

    private static Task<int> AppliedAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        ValueAsync<int>(connection, "select coalesce(max(version), 0) from schema_migrations", cancellationToken);

    /// <summary>
    /// An older program runs on a newer schema, as during an upgrade or after it was rolled back, unless a migration says otherwise.
    /// </summary>
    private static async Task RefuseIfTooNewAsync(NpgsqlConnection connection, int applied, int known, CancellationToken cancellationToken)
    {
        var oldest = await ValueAsync<int>(connection, "select max(oldest_program) from schema_migrations", cancellationToken);
        if (known < oldest)
        {
            throw new NewerSchemaException(
                $"The database is at schema version {applied}, which serves programs from version {oldest} on; "
                + $"this one knows {known}: run a newer release.");
        }
    }

    /// <summary>Does <paramref name="step"/> again, after longer and longer pauses, while others' locks are in its way.</summary>
    private static async Task UnlockedAsync(Func<Task> step, CancellationToken cancellationToken)
    {
        for (var pause = _firstLockPause; ; pause *= 2)
        {
            try
            {
                await step();
                return;
            }
            catch (PostgresException exception)
                when (exception.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected
                    && pause <= _lastLockPause)
            {
                await Task.Delay(pause, cancellationToken);
            }
        }
    }

    private static async Task ApplyAsync(NpgsqlConnection connection, Migration migration, CancellationToken cancellationToken)
    {
        foreach (var (index, statement) in migration.OutsideTransaction)
        {
            await BuildAsync(connection, index, statement, cancellationToken);
        }

        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!string.IsNullOrWhiteSpace(migration.InTransaction))
        {
            await ExecuteAsync(connection, migration.InTransaction, cancellationToken);
        }

        await using NpgsqlCommand record = new("insert into schema_migrations (version, name) values ($1, $2)", connection, transaction)
        {
            Parameters = { new() { Value = migration.Version }, new() { Value = migration.Name } },
        };
        await record.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Builds or drops an index beside the traffic. What an earlier build left unfinished is of no use, and goes first.</summary>
    private static async Task BuildAsync(NpgsqlConnection connection, string index, string statement, CancellationToken cancellationToken)
    {
        // Waits for transactions, holding nothing that traffic needs.
        await ExecuteAsync(connection, "set lock_timeout = 0", cancellationToken);
        var isInvalid = $"select exists (select from pg_index where indexrelid = to_regclass('{index}') and not indisvalid)";
        if (await ValueAsync<bool>(connection, isInvalid, cancellationToken))
        {
            await ExecuteAsync(connection, $"drop index concurrently if exists {index}", cancellationToken);
        }

        await ExecuteAsync(connection, statement, cancellationToken);
        await ExecuteAsync(connection, SessionSql, cancellationToken);
    }

    private static async Task<T> ValueAsync<T>(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(sql, connection);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        // A large table takes its time to change.
        await using NpgsqlCommand command = new(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information,
            Message = "The database is at schema version {Version} ({Applied} applied now)")]
        public static partial void Migrated(ILogger logger, int version, int applied);

        [LoggerMessage(EventId = 2, Level = LogLevel.Critical, Message = "This program cannot serve from the database and stops: {Reason}")]
        public static partial void Newer(ILogger logger, string reason);
    }
}

/// <summary>The database was migrated by a newer release, which this one cannot serve from.</summary>
public sealed class NewerSchemaException : Exception
{
    public NewerSchemaException()
    {
    }

    public NewerSchemaException(string message)
        : base(message)
    {
    }

    public NewerSchemaException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

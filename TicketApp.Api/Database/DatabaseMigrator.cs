using Npgsql;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Database;

/// <summary>
/// Brings the schema up to date before anything is served, and waits for the database as long as that takes.
/// Replicas that start together take turns under an advisory lock; whoever comes second finds nothing to do.
/// </summary>
internal sealed partial class DatabaseMigrator(
    NpgsqlDataSource database, LoopProgress progress, ILogger<DatabaseMigrator> logger, IHostApplicationLifetime? lifetime = null)
    : SupervisedLoop("bring the schema up to date", progress, logger)
{
    // Any number will do, so long as nothing else in the database takes the same one.
    private const long LockKey = 0x7469636b657473; // "tickets"

    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when the schema is up to date.</summary>
    public Task Ready => _ready.Task;

    /// <summary>Applies what is missing of <paramref name="migrations"/>, each with its record in one transaction.</summary>
    /// <returns>How many were applied.</returns>
    public static async Task<int> MigrateAsync(NpgsqlDataSource database, IReadOnlyList<Migration> migrations, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        // Closing the session gives the lock back, whatever happens in between.
        await ExecuteAsync(connection, $"select pg_advisory_lock({LockKey})", cancellationToken);
        try
        {
            await ExecuteAsync(
                connection,
                """
                create table if not exists schema_migrations (
                    version      integer     not null,
                    name         text        not null,
                    time_applied timestamptz not null default clock_timestamp(),
                    constraint schema_migrations_pk primary key (version)
                )
                """,
                cancellationToken);
            var applied = await AppliedAsync(connection, cancellationToken);
            if (applied > migrations.Count)
            {
                throw new NewerSchemaException($"The database is at schema version {applied}, this program knows {migrations.Count}: run a newer release.");
            }

            foreach (var migration in migrations.Skip(applied))
            {
                await ApplyAsync(connection, migration, cancellationToken);
            }

            return migrations.Count - applied;
        }
        finally
        {
            await ExecuteAsync(connection, $"select pg_advisory_unlock({LockKey})", CancellationToken.None);
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

    protected override string? Explain(Exception exception) => exception is NewerSchemaException ? exception.Message : DatabaseErrors.Describe(exception);

    private static async Task<int> AppliedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new("select coalesce(max(version), 0) from schema_migrations", connection);
        return (int)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task ApplyAsync(NpgsqlConnection connection, Migration migration, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // A large table takes its time to change.
        await using NpgsqlCommand change = new(migration.Sql, connection, transaction) { CommandTimeout = 0 };
        await change.ExecuteNonQueryAsync(cancellationToken);
        await using NpgsqlCommand record = new("insert into schema_migrations (version, name) values ($1, $2)", connection, transaction)
        {
            Parameters = { new() { Value = migration.Version }, new() { Value = migration.Name } },
        };
        await record.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        // Waiting for another replica's lock may take as long as its migration.
        await using NpgsqlCommand command = new(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "The database is at schema version {Version} ({Applied} applied now)")]
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

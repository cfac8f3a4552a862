using System.Net.Sockets;
using System.Security.Authentication;
using Npgsql;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Storage;

/// <summary>
/// The one place that decides whose fault a failed statement is. Only SQLSTATE classes 22 (data) and 23 (constraints) blame what was sent.
/// All else blames the server: read-only in a failover, a login refused in a rotation, a privilege missing for a moment, a statement
/// cancelled, a pooler in between. The same statement succeeds once that is over.
/// </summary>
/// <remarks>https://www.postgresql.org/docs/current/errcodes-appendix.html</remarks>
internal static class DatabaseErrors
{
    /// <summary>Whether what was sent is at fault: no later try would succeed either.</summary>
    public static bool IsDatas(Exception exception) => Find(exception) is PostgresException { SqlState: ['2', '2' or '3', ..] };

    /// <summary>
    /// Whether the server is at fault, or the way to it: wait, and try again. A request that is not well-formed is an
    /// <see cref="IOException"/> too.
    /// </summary>
    public static bool IsUnavailable(Exception exception) =>
        Find(exception) is NpgsqlException
            ? !IsDatas(exception)
            : exception is (SocketException or TimeoutException or IOException or AuthenticationException) and not BadHttpRequestException;

    /// <summary>Whether the statement took longer than it may.</summary>
    public static bool IsTimeout(Exception exception) => Find(exception) switch
    {
        PostgresException postgres => postgres.SqlState == PostgresErrorCodes.QueryCanceled,
        _ => IsSilence(exception),
    };

    /// <summary>Whether the server did not answer at all in the time that it has: another try would take as long.</summary>
    public static bool IsSilence(Exception exception) => Find(exception)?.InnerException is TimeoutException;

    /// <summary>What is wrong with the server, as an operator would say it; null if it is not at fault.</summary>
    public static string? Describe(Exception exception) => !IsUnavailable(exception) ? null : Find(exception) switch
    {
        PostgresException { SqlState: var code } postgres => $"the database {Word(code)} ({code}: {postgres.MessageText})",
        _ when exception.GetBaseException() is AuthenticationException =>
            "the certificate of the database is not for its host, not from the authority in Root Certificate, or not valid now",
        _ => $"the database is away ({exception.GetBaseException().Message})",
    };

    private static NpgsqlException? Find(Exception? exception) =>
        exception is null or NpgsqlException ? exception as NpgsqlException : Find(exception.InnerException);

    private static string Word(string code) => code switch
    {
        PostgresErrorCodes.ReadOnlySqlTransaction => "is read-only",
        PostgresErrorCodes.QueryCanceled => "cancels statements",
        PostgresErrorCodes.InsufficientPrivilege => "lacks a privilege",
        PostgresErrorCodes.InvalidCatalogName => "is not there",
        PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure
            or PostgresErrorCodes.LockNotAvailable => "has a conflict",
        ['2', '8', ..] => "refuses the login",
        ['0', '8', ..] => "cannot be reached through its pooler",
        ['5', '3', ..] => "has no room left",
        ['5', '7', ..] => "is stopping or starting",
        _ => "refuses statements",
    };
}

/// <summary>
/// Makes connections again after a fault of the server: those in the pool may lead to a server that has become read-only, or keep settings
/// of before. Once a second at most, so that a storm of failures is no storm of connections.
/// </summary>
internal sealed class DatabaseFaults
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    private readonly NpgsqlDataSource _database;
    private readonly TimeProvider _time;
    private long _lastCleared;

    public DatabaseFaults(NpgsqlDataSource database, LoopProgress progress, TimeProvider time)
    {
        (_database, _time) = (database, time);
        progress.OnFailure = Note;
    }

    /// <summary>A statement failed.</summary>
    public void Note(Exception exception)
    {
        var last = Volatile.Read(ref _lastCleared);
        if (DatabaseErrors.IsUnavailable(exception)
            && (last == 0 || _time.GetElapsedTime(last) >= _interval)
            && Interlocked.CompareExchange(ref _lastCleared, _time.GetTimestamp() | 1, last) == last)
        {
            Reconnect(_database);
        }
    }

    /// <summary>Lets go of all connections, and of what was known of the hosts.</summary>
    public static void Reconnect(NpgsqlDataSource database)
    {
        database.Clear();
        (database as NpgsqlMultiHostDataSource)?.ClearDatabaseStates();
    }
}

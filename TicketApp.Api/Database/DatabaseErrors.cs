using System.Net.Sockets;
using Npgsql;

namespace TicketApp.Api.Database;

/// <summary>Tells a database that is away from a statement that is wrong.</summary>
internal static class DatabaseErrors
{
    /// <summary>Whether the same call may well succeed later: no connection, shutting down, starting up, out of resources, timed out.</summary>
    public static bool IsUnavailable(Exception exception) => exception switch
    {
        PostgresException postgres => postgres.IsTransient || postgres.SqlState.StartsWith("57P", StringComparison.Ordinal),
        NpgsqlException npgsql => npgsql.IsTransient || npgsql.InnerException is IOException or TimeoutException or SocketException or null,
        SocketException or TimeoutException or IOException => true,
        _ => false,
    };
}

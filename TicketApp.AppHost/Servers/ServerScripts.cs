using System.Text.RegularExpressions;

namespace TicketApp.AppHost.Servers;

/// <summary>
/// The accounts of the servers, from the files beside this one, for the official images. Each is one line without line breaks, which a
/// shell in the container completes with the passwords of its environment: they stand in no argument.
/// </summary>
internal static partial class ServerScripts
{
    /// <summary>
    /// Starts RabbitMQ with these accounts and no other: what loads definitions makes no default user. They are read at every start, so a
    /// changed password counts from the next one.
    /// </summary>
    public static string RabbitMqStart(bool hasTls) =>
        $"umask 077; printf '{Placeholder().Replace(Compact("rabbitmq-accounts.json"), "%s")}' "
        + "\"$RABBITMQ_DEFAULT_USER\" \"$RABBITMQ_DEFAULT_PASS\" \"$WORKER_PASSWORD\" \"$RABBITMQ_DEFAULT_USER\" >/tmp/accounts.json; "
        + "echo 'load_definitions = /tmp/accounts.json' >/tmp/rabbitmq.conf; "
        // Half of a small broker's memory by default: what is in the log that is being written is in memory too.
        + "echo 'raft.wal_max_size_bytes = 67108864' >>/tmp/rabbitmq.conf; "
        + string.Concat((hasTls ? ServerTls.RabbitMqSettings : []).Select(line => $"echo '{line}' >>/tmp/rabbitmq.conf; "))
        // Started as root, the image runs the broker as the user rabbitmq.
        + "[ \"$(id -u)\" != 0 ] || chown rabbitmq /tmp/accounts.json /tmp/rabbitmq.conf; "
        + "unset RABBITMQ_DEFAULT_USER RABBITMQ_DEFAULT_PASS WORKER_PASSWORD; "
        + "export RABBITMQ_CONFIG_FILE=/tmp/rabbitmq.conf; exec docker-entrypoint.sh rabbitmq-server";

    /// <summary>
    /// Starts PostgreSQL with the role: made with the data at the first start, and at every other one before anybody can connect, since the
    /// data may be older than the role or its password. Not on data that is being restored, which nothing may write to.
    /// </summary>
    public static string PostgresStart(string setting) =>
        $"role=$(printf \"{Placeholder().Replace(Compact("postgres-role.sql"), "%s")}\" \"$TICKETS_PASSWORD\"); unset TICKETS_PASSWORD; "
        // Started as root, the image runs the server as the user postgres.
        + "as=; [ \"$(id -u)\" != 0 ] || as='gosu postgres'; "
        + "if [ ! -s \"$PGDATA/PG_VERSION\" ]; then printf '%s\\n' \"$role\" >/docker-entrypoint-initdb.d/role.sql; "
        + "elif ! ls \"$PGDATA\"/*.signal >/dev/null 2>&1; then "
        + "printf '%s\\n' \"$role\" | $as postgres --single -D \"$PGDATA\" -c exit_on_error=on "
        + $"{ServerResources.DatabaseName} >/dev/null || exit 1; fi; "
        + $"unset role; {ServerTls.PostgresPreparation}exec docker-entrypoint.sh postgres -c {setting} {ServerTls.PostgresSettings}";

    /// <summary>
    /// Makes the role on a server that somebody else runs, as its administrator, by psql: where and as whom is in psql's own variables.
    /// Again it gives the role its password.
    /// </summary>
    public static string MakeRole { get; } =
        $"printf \"{Placeholder().Replace(Compact("postgres-role.sql"), "%s")}\" \"$TICKETS_PASSWORD\" | psql -v ON_ERROR_STOP=1";

    /// <summary>Makes the role, or gives it its password.</summary>
    public static string RoleSql(string password) =>
        Placeholder().Replace(Compact("postgres-role.sql"), password.Replace("'", "''", StringComparison.Ordinal));

    private static string Compact(string file) => string.Join(
        ' ', File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Servers", file)).Select(line => line.Trim()));

    [GeneratedRegex("@[A-Z_]+@")]
    private static partial Regex Placeholder();
}

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
    public static string RabbitMqStart { get; } =
        $"umask 077; printf '{Placeholder().Replace(Compact("rabbitmq-accounts.json"), "%s")}' "
        + "\"$RABBITMQ_DEFAULT_USER\" \"$RABBITMQ_DEFAULT_PASS\" \"$WORKER_PASSWORD\" \"$RABBITMQ_DEFAULT_USER\" >/tmp/accounts.json; "
        + "echo 'load_definitions = /tmp/accounts.json' >/tmp/rabbitmq.conf; "
        // Started as root, the image runs the broker as the user rabbitmq.
        + "[ \"$(id -u)\" != 0 ] || chown rabbitmq /tmp/accounts.json /tmp/rabbitmq.conf; "
        + "unset RABBITMQ_DEFAULT_USER RABBITMQ_DEFAULT_PASS WORKER_PASSWORD; "
        + "export RABBITMQ_CONFIG_FILE=/tmp/rabbitmq.conf; exec docker-entrypoint.sh rabbitmq-server";

    /// <summary>Starts PostgreSQL, which makes the role with its data, at the first start.</summary>
    public static string PostgresStart(string setting) =>
        $"printf \"{Placeholder().Replace(Compact("postgres-role.sql"), "%s")}\" \"$TICKETS_PASSWORD\" "
        + $">/docker-entrypoint-initdb.d/role.sql; unset TICKETS_PASSWORD; exec docker-entrypoint.sh postgres -c {setting}";

    /// <summary>Makes the role, or gives it its password.</summary>
    public static string RoleSql(string password) =>
        Placeholder().Replace(Compact("postgres-role.sql"), password.Replace("'", "''", StringComparison.Ordinal));

    private static string Compact(string file) => string.Join(
        ' ', File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Servers", file)).Select(line => line.Trim()));

    [GeneratedRegex("@[A-Z_]+@")]
    private static partial Regex Placeholder();
}

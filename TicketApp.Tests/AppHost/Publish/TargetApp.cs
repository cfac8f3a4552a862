using System.Globalization;
using Npgsql;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>The application as the manifests of a target start it, on a server that has only the roles that the target makes.</summary>
/// <param name="manifests">The manifests.</param>
/// <param name="hasOwner">Whether a role of its own migrates the schema, by <c>ConnectionStrings:migrations</c>.</param>
internal sealed class TargetApp(Workloads manifests, bool hasOwner) : PublishedAppFixture
{
    private const string Job = "database-role";
    private const string Owner = "ticketapp_owner";

    public Uri Address => Replica(0).BaseAddress!;

    /// <summary>What became of the limits of a service's processes.</summary>
    public IEnumerable<string> Usage() => Limits.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry =>
    {
        var workload = WorkloadOf(entry.Key.Split('-')[0]);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{entry.Key}: {Mebibytes(entry.Value.PeakMemory)} of {Mebibytes(workload.Memory)} MiB, "
            + $"waited {entry.Value.Throttled.TotalSeconds:F1} s for {workload.Cpus} processors, killed {entry.Value.Kills} times");
    });

    /// <summary>Which role has the tables.</summary>
    public async Task<string> OwnerAsync()
    {
        await using var server = NpgsqlDataSource.Create(Database);
        await using var command = server.CreateCommand("select tableowner from pg_tables where tablename = 'tickets'");
        return (string)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    /// <summary>Whether any process reached a limit and was killed.</summary>
    public bool WasKilled => Limits.Values.Any(limits => limits.Kills > 0);

    private protected override Workloads Manifests => manifests;

    protected override Dictionary<string, string> SecretsOf(string database, Uri broker)
    {
        var secrets = base.SecretsOf(database, broker);
        var password = secrets["tickets_password"];
        secrets["postgres_password"] = password;
        secrets["tickets"] = $"Host=db.example.com;Username=ticketapp;Password={password};Database=tickets";
        secrets["migrations"] = $"Host=db.example.com;Username={Owner};Password={password};Database=tickets";
        return secrets;
    }

    protected override async Task PrepareServersAsync(string database, Uri broker)
    {
        if (!hasOwner && manifests != Workloads.OnAzure)
        {
            return;
        }

        // The server of the tests makes the role at its start. Here others do.
        await using var server = NpgsqlDataSource.Create(database);
        await ExecuteAsync("reassign owned by ticketapp to postgres; drop owned by ticketapp; drop role ticketapp");
        var secrets = SecretsOf(database, broker);
        var password = secrets["tickets_password"];
        if (hasOwner)
        {
            await ExecuteAsync(Documents.Sql("Two roles").Replace("'secret'", $"'{password}'", StringComparison.Ordinal));
            return;
        }

        // What Azure makes is no superuser, but owns the database.
        var job = manifests.Read(Job, secrets);
        await ExecuteAsync($"create role {job.Variables["PGUSER"]} login createdb createrole password '{password}'");
        await ExecuteAsync(
            $"alter database tickets owner to {job.Variables["PGUSER"]}; alter schema public owner to pg_database_owner");
        NpgsqlConnectionStringBuilder here = new(database);
        Dictionary<string, string> variables = new(job.Variables)
        {
            ["PGHOST"] = here.Host!,
            ["PGPORT"] = here.Port.ToString(CultureInfo.InvariantCulture),
            ["PGSSLMODE"] = "disable",
        };
        variables.Remove("PGSSLROOTCERT");
        var (exitCode, output, error) = await Publication.RunAsync(
            "env",
            ["-i", "PATH=/usr/bin:/bin", .. variables.Select(variable => $"{variable.Key}={variable.Value}"), .. job.Command]);
        Assert.True(exitCode == 0, output + error);

        async Task ExecuteAsync(string sql)
        {
            await using var command = server.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        }
    }

    private static string Mebibytes(long? bytes) => ((bytes ?? 0) >> 20).ToString(CultureInfo.InvariantCulture);
}

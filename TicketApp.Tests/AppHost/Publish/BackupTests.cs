using System.Text.RegularExpressions;
using TicketApp.Tests.Fixtures;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>The commands of deploy/README.md for a backup and a restore, on a server that wants passwords as published ones do.</summary>
public sealed partial class BackupTests
{
    [Fact]
    public async Task What_the_manual_dumps_it_restores()
    {
        Assert.SkipUnless(DeploymentTools.HasHelm, DeploymentTools.NoHelm);
        Assert.SkipUnless(PodRights.AreKept, "Only root can be PostgreSQL's user here.");
        Assert.SkipUnless(Directory.Exists("/usr/lib/postgresql"), "PostgreSQL is not installed.");
        var commands = InContainer().Matches(await Publication.ReadAsync("README.md")).Select(match => match.Groups[1].Value).ToArray();
        Assert.Equal(["pg_dump", "pg_restore"], commands.Select(command => Program().Match(command).Value));
        var variables = Chart.Deployed.Variables("postgres", Chart.Deployed.ValuesWithSecrets());
        var directory = AppProcesses.CreateDirectory();
        // As the image makes its data, and on a socket alone.
        const string As = "setpriv --reuid=postgres --regid=postgres --clear-groups --";
        try
        {
            await RunAsync(
                $"""
                echo "$POSTGRES_PASSWORD" >password; chown postgres . password
                {As} initdb -N -D data -U "$POSTGRES_USER" --pwfile=password $POSTGRES_INITDB_ARGS >log
                {As} pg_ctl -D data -w -l server.log -o "-c listen_addresses= -c unix_socket_directories=$PWD" start >>log
                export PGPASSWORD="$POSTGRES_PASSWORD"
                createdb -U postgres tickets
                psql -U postgres -q -c 'create table kept as select 42 as number' tickets
                """);
            await RunAsync($"{commands[0]} >tickets.dump");
            await RunAsync("PGPASSWORD=$POSTGRES_PASSWORD psql -U postgres -q -c 'drop table kept' tickets");
            await RunAsync($"{commands[1]} <tickets.dump");

            var kept = await RunAsync("PGPASSWORD=$POSTGRES_PASSWORD psql -U postgres -At -c 'select number from kept' tickets");
            Assert.Equal("42", kept.Trim());
        }
        finally
        {
            await RunAsync($"[ ! -f data/postmaster.pid ] || {As} pg_ctl -D data -m immediate stop >>log");
            directory.Delete(recursive: true);
        }

        async Task<string> RunAsync(string script)
        {
            const string Find = "PATH=$(dirname \"$(ls /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)\"):$PATH\n";
            var (exitCode, output, error) = await Publication.RunAsync(
                "env",
                [
                    "-i", "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", $"PGHOST={directory.FullName}",
                    .. variables.Select(variable => $"{variable.Key}={variable.Value}"),
                    "sh", "-euc", $"cd {directory.FullName}\n{Find}{script}",
                ]);
            Assert.True(exitCode == 0, script + output + error);
            return output;
        }
    }

    /// <summary>What is run by a shell in PostgreSQL's container.</summary>
    [GeneratedRegex("exec (?:-i )?postgres-statefulset-0 -- sh -c '(.+?)'")]
    private static partial Regex InContainer();

    [GeneratedRegex("pg_[a-z]+")]
    private static partial Regex Program();
}

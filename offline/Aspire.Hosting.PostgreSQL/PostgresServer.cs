using System.Globalization;
using Aspire.Hosting.Native;

namespace Aspire.Hosting;

/// <summary>PostgreSQL as a process of this machine.</summary>
internal sealed class PostgresServer : NativeServer
{
    public const string UserVariable = "POSTGRES_USER";
    public const string PasswordVariable = "POSTGRES_PASSWORD";

    private readonly Lazy<IReadOnlyList<PostgresInstallation>> _installations = new(PostgresInstallation.FindAll);

    public override string Description => $"PostgreSQL {_installations.Value[0].Major}";

    public override MissingServer? FindMissing() =>
        _installations.Value.Count == 0 ? new MissingServer("PostgreSQL (13 or later)", "postgresql", "postgresql-server") : null;

    public override void CheckData(string dataDirectory) => InstallationFor(dataDirectory);

    public override async Task<GuardedProcess> StartAsync(NativeServerContext context, CancellationToken cancellationToken)
    {
        // PostgreSQL refuses to run as root.
        var user = ServiceUser.Of("postgres");
        var installation = InstallationFor(context.DataDirectory);
        await user.CreateDirectoryAsync(context.DataDirectory, cancellationToken);
        if (!File.Exists(VersionFile(context.DataDirectory)))
        {
            await InitializeAsync(installation, user, context, cancellationToken);
        }

        RemoveForeignLock(context.DataDirectory);

        // No socket directory: its usual place belongs to the system's server, and a path of ours may be too long for a socket.
        return GuardedProcess.Start(
            user.Run(
                Path.Combine(installation.BinDirectory, "postgres"),
                "-D",
                context.DataDirectory,
                "-p",
                context.Port.ToString(CultureInfo.InvariantCulture),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
                "-c",
                "logging_collector=off"),
            "INT",
            context.DataDirectory,
            CleanEnvironment,
            context.OnLine);
    }

    private static string VersionFile(string dataDirectory) => Path.Combine(dataDirectory, "PG_VERSION");

    private static async Task InitializeAsync(
        PostgresInstallation installation,
        ServiceUser user,
        NativeServerContext context,
        CancellationToken cancellationToken)
    {
        // What an interrupted initdb left has no version file, and initdb wants an empty directory.
        foreach (var left in new DirectoryInfo(context.DataDirectory).EnumerateFileSystemInfos())
        {
            if (left is DirectoryInfo directory)
            {
                directory.Delete(recursive: true);
            }
            else
            {
                left.Delete();
            }
        }

        var passwordFile = $"{context.DataDirectory}.password";
        PrivateFile.Write(passwordFile, context.Environment[PasswordVariable]);
        try
        {
            await user.GiveAsync(passwordFile, cancellationToken);
            await Command.RunAsync(
                user.Run(
                    Path.Combine(installation.BinDirectory, "initdb"),
                    "-D",
                    context.DataDirectory,
                    $"--username={context.Environment[UserVariable]}",
                    $"--pwfile={passwordFile}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C.UTF-8"),
                CleanEnvironment,
                cancellationToken);
        }
        finally
        {
            File.Delete(passwordFile);
        }
    }

    /// <summary>
    /// Removes a lock file that a killed server left, if its process id now belongs to something else. PostgreSQL itself removes
    /// it only if there is no such process at all, and then would refuse to start. This AppHost alone uses the directory.
    /// </summary>
    private static void RemoveForeignLock(string dataDirectory)
    {
        var file = Path.Combine(dataDirectory, "postmaster.pid");
        if (!File.Exists(file) || File.ReadLines(file).FirstOrDefault() is not { } processId)
        {
            return;
        }

        var commandLine = $"/proc/{processId.Trim()}/cmdline";
        if (File.Exists(commandLine) && !File.ReadAllText(commandLine).Contains(dataDirectory, StringComparison.Ordinal))
        {
            File.Delete(file);
        }
    }

    /// <summary>The newest, or the one that made the data.</summary>
    /// <exception cref="DistributedApplicationException">The data is of a major version that is not installed.</exception>
    private PostgresInstallation InstallationFor(string dataDirectory)
    {
        var installed = _installations.Value;
        if (!File.Exists(VersionFile(dataDirectory)))
        {
            return installed[0];
        }

        var major = int.Parse(File.ReadAllText(VersionFile(dataDirectory)), CultureInfo.InvariantCulture);
        return installed.FirstOrDefault(installation => installation.Major == major)
            ?? throw new DistributedApplicationException(
                $"The data in {dataDirectory} was made by PostgreSQL {major}; installed is {string.Join(", ", installed.Select(i => i.Major))}. Install postgresql-{major}, or delete the directory to begin with an empty database.");
    }
}

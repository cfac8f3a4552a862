using System.Globalization;
using System.Text.RegularExpressions;
using Aspire.Hosting.Native;

namespace Aspire.Hosting;

/// <summary>One installed PostgreSQL.</summary>
internal sealed partial record PostgresInstallation(int Major, string BinDirectory)
{
    private const int OldestMajor = 13;

    /// <summary>All that are installed, newest first: Debian and Ubuntu keep each major apart, Fedora and RPMs of postgresql.org do it otherwise.</summary>
    public static IReadOnlyList<PostgresInstallation> FindAll()
    {
        var versioned = Directories("/usr/lib/postgresql", "*").Concat(Directories("/usr", "pgsql-*")).Select(directory => Path.Combine(directory, "bin"));
        var onPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return
        [
            .. versioned.Concat(["/usr/bin", "/usr/local/pgsql/bin", "/opt/postgresql/bin"]).Concat(onPath)
                .Where(bin => File.Exists(Path.Combine(bin, "postgres")) && File.Exists(Path.Combine(bin, "initdb")))
                .Select(bin => new PostgresInstallation(MajorOf(bin), bin))
                .Where(found => found.Major >= OldestMajor)
                .DistinctBy(found => found.Major)
                .OrderByDescending(found => found.Major),
        ];
    }

    [GeneratedRegex(@"(\d+)[.\d]*\s*(\(|$)")]
    private static partial Regex VersionNumber();

    private static string[] Directories(string parent, string pattern) =>
        Directory.Exists(parent) ? Directory.GetDirectories(parent, pattern) : [];

    private static int MajorOf(string bin)
    {
        var version = Command.RunAsync([Path.Combine(bin, "postgres"), "--version"]).GetAwaiter().GetResult();
        return VersionNumber().Match(version.Trim()) is { Success: true } match
            ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)
            : 0;
    }
}

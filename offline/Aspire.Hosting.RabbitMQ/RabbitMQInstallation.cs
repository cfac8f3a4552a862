namespace Aspire.Hosting;

/// <summary>One installed RabbitMQ, with the port mapper of the Erlang that runs it.</summary>
internal sealed record RabbitMQInstallation(Version Version, string ServerScript, string Epmd)
{
    private const string DirectoryPrefix = "rabbitmq_server-";

    private static readonly Version _oldest = new(3, 10);

    /// <summary>The newest, wherever a distribution or the generic archive puts it; null if there is none.</summary>
    public static RabbitMQInstallation? Find()
    {
        var epmd = FindEpmd();
        return epmd is null ? null : (from parent in (string[])["/usr/lib/rabbitmq/lib", "/usr/lib64/rabbitmq/lib", "/usr/local/lib/rabbitmq/lib", "/opt"]
                                      where Directory.Exists(parent)
                                      from directory in Directory.GetDirectories(parent, $"{DirectoryPrefix}*")
                                      let script = Path.Combine(directory, "sbin", "rabbitmq-server")
                                      let version = VersionOf(directory)
                                      where version >= _oldest && File.Exists(script)
                                      orderby version descending
                                      select new RabbitMQInstallation(version, script, epmd)).FirstOrDefault();
    }

    private static string? FindEpmd() =>
        ((string[])["/usr/bin/epmd", "/usr/local/bin/epmd", "/usr/lib/erlang/bin/epmd", "/usr/lib64/erlang/bin/epmd"]).FirstOrDefault(File.Exists);

    private static Version VersionOf(string directory) =>
        System.Version.TryParse(Path.GetFileName(directory)[DirectoryPrefix.Length..].Split('-', '~')[0], out var version) ? version : new Version();
}

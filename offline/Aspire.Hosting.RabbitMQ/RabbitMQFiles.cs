using System.Security.Cryptography;
using Aspire.Hosting.Native;

namespace Aspire.Hosting;

/// <summary>The files that a broker reads when it starts, all of them in its own directory.</summary>
internal static class RabbitMQFiles
{
    public static string Configuration(string directory) => Path.Combine(directory, "rabbitmq.conf");

    public static string EnabledPlugins(string directory) => Path.Combine(directory, "enabled_plugins");

    public static async Task WriteAsync(NativeServerContext context, ServiceUser user, CancellationToken cancellationToken)
    {
        var directory = context.DataDirectory;
        await WriteAsync(EnabledPlugins(directory), "[].\n", user, cancellationToken);

        // The limits are absolute, since a share of a large machine's memory or disk says nothing about this small broker.
        // The log on the console is for whoever watches the AppHost: what matters; the rest is in the file.
        await WriteAsync(
            Configuration(directory),
            $"""
            listeners.tcp.1 = 127.0.0.1:{context.Port}
            default_user = {context.Environment[RabbitMQServer.UserVariable]}
            default_pass = {context.Environment[RabbitMQServer.PasswordVariable]}
            log.console = true
            log.console.level = warning
            log.file.level = info
            vm_memory_high_watermark.absolute = 512MB
            disk_free_limit.absolute = 200MB

            """,
            user,
            cancellationToken);

        var cookie = Path.Combine(directory, ".erlang.cookie");
        if (!File.Exists(cookie))
        {
            await WriteAsync(cookie, RandomNumberGenerator.GetHexString(40), user, cancellationToken);
            File.SetUnixFileMode(cookie, UnixFileMode.UserRead);
        }
    }

    private static async Task WriteAsync(string path, string content, ServiceUser user, CancellationToken cancellationToken)
    {
        PrivateFile.Write(path, content);
        await user.GiveAsync(path, cancellationToken);
    }
}

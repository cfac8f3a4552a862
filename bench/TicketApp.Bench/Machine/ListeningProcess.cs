using System.Globalization;

namespace TicketApp.Bench.Machine;

/// <summary>Finds a server's process by the port that it listens on.</summary>
internal static class ListeningProcess
{
    private const string Listening = "0A";
    private static readonly string[] _tables = ["/proc/net/tcp", "/proc/net/tcp6"];

    /// <summary>
    /// The process that listens on <paramref name="port"/>: of several with the same socket, the parent of the others. In front of
    /// a container a proxy listens: then it is the newest process named <paramref name="name"/>.
    /// </summary>
    public static int Find(int port, string name)
    {
        var sockets = SocketsOn(port);
        var all = ProcessStatus.ReadAll().Where(process => process.Name == name).ToDictionary(process => process.Id);
        var roots = all.Values.Where(process => !all.ContainsKey(process.ParentId)).Select(process => process.Id).ToArray();
        return roots.FirstOrDefault(id => Holds(id, sockets)) is > 0 and var found ? found
            : roots is [_, ..] ? roots.Max()
            : throw new InvalidOperationException($"No {name} of this machine listens on port {port}, or it may not be looked at.");
    }

    private static HashSet<string> SocketsOn(int port)
    {
        var suffix = ":" + port.ToString("X4", CultureInfo.InvariantCulture);
        return [.. _tables
            .Where(File.Exists)
            .SelectMany(table => File.ReadLines(table).Skip(1))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields[1].EndsWith(suffix, StringComparison.Ordinal) && fields[3] == Listening)
            .Select(fields => $"socket:[{fields[9]}]")];
    }

    private static bool Holds(int id, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFiles($"/proc/{id}/fd")
                .Any(file => new FileInfo(file).LinkTarget is { } target && sockets.Contains(target));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

using System.Globalization;

namespace TicketApp.Bench.Machine;

/// <summary>Finds a server's process by the port that it listens on.</summary>
internal static class ListeningProcess
{
    private const string Listening = "0A";
    private static readonly string[] Tables = ["/proc/net/tcp", "/proc/net/tcp6"];

    /// <summary>The process that listens on <paramref name="port"/>: of several with the same socket, the parent of the others.</summary>
    public static int Find(int port)
    {
        var sockets = SocketsOn(port);
        var holders = ProcessStatus.ReadAll().Where(process => Holds(process.Id, sockets)).ToDictionary(process => process.Id);
        return holders.Values.FirstOrDefault(process => !holders.ContainsKey(process.ParentId)) is { Id: > 0 } found
            ? found.Id
            : throw new InvalidOperationException($"No process of this machine listens on port {port}, or it may not be looked at.");
    }

    private static HashSet<string> SocketsOn(int port)
    {
        var suffix = ":" + port.ToString("X4", CultureInfo.InvariantCulture);
        return [.. Tables
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
            return Directory.EnumerateFiles($"/proc/{id}/fd").Any(file => new FileInfo(file).LinkTarget is { } target && sockets.Contains(target));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

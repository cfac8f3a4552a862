using System.ComponentModel;
using System.Globalization;
using System.Net.Sockets;
using TicketApp.Bench.Processes;

namespace TicketApp.Bench.Servers;

/// <summary>A Redis of our own on a free port of 127.0.0.1. Like the other servers it has synced a write before it confirms it.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private const string Program = "redis-server";

    private static readonly TimeSpan _startLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(20);

    private readonly DirectoryInfo _data;

    private RedisServer(DirectoryInfo data)
    {
        _data = data;
        Port = LoopbackPort.Free();
        // Its own defaults would sync once a second, and write snapshots that the file of commands makes useless.
        Process = ChildProcess.Start(
            "redis",
            Program,
            [
                "--port", Port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--dir", data.FullName,
                "--appendonly", "yes", "--appendfsync", "always", "--save", "",
            ],
            new Dictionary<string, string>());
    }

    public int Port { get; }

    public ChildProcess Process { get; }

    /// <summary>Starts it without data and waits until it listens.</summary>
    /// <exception cref="InvalidOperationException">It is not installed, or it ended.</exception>
    public static async Task<RedisServer> StartAsync(CancellationToken cancellationToken)
    {
        var data = Directory.CreateTempSubdirectory("ticketapp-bench-redis-");
        RedisServer server;
        try
        {
            server = new(data);
        }
        catch (Win32Exception)
        {
            data.Delete();
            throw new InvalidOperationException($"BullMQ needs {Program}: install Redis 6.2 or later.");
        }

        try
        {
            await server.WaitAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        _data.Delete(recursive: true);
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_startLimit);
        while (!Process.HasEnded)
        {
            try
            {
                using TcpClient client = new();
                await client.ConnectAsync("127.0.0.1", Port, limit.Token);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(_pause, limit.Token);
            }
        }

        throw new InvalidOperationException("Redis ended as it started; see its log.");
    }
}

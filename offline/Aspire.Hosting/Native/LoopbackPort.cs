using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Aspire.Hosting.Native;

/// <summary>
/// Free ports on the loopback interface. They are taken below the range from which Linux gives outgoing connections their
/// ports (32768 and up), so that no client can sit on a server's port while the server restarts, or connect to itself there.
/// </summary>
internal static class LoopbackPort
{
    private const int First = 20_000;
    private const int End = 32_000;

    private static readonly Lock _lock = new();
    private static readonly HashSet<int> _given = [];

    public static int Next()
    {
        lock (_lock)
        {
            for (var attempt = 0; attempt < 1000; attempt++)
            {
                var port = RandomNumberGenerator.GetInt32(First, End);
                if (!_given.Contains(port) && IsFree(port))
                {
                    _given.Add(port);
                    return port;
                }
            }
        }

        throw new DistributedApplicationException($"No free port between {First} and {End} on 127.0.0.1.");
    }

    public static bool IsFree(int port) => CanListen(IPAddress.Loopback, port) && CanListen(IPAddress.IPv6Loopback, port);

    /// <summary>Whether a server listens there. Asked by connecting: listening to find out could take the port from it.</summary>
    public static async Task<bool> IsAnsweredAsync(int port, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static bool CanListen(IPAddress address, int port)
    {
        try
        {
            using var listener = new TcpListener(address, port);
            listener.Start();
            return true;
        }
        catch (SocketException e)
        {
            // No IPv6 on this machine: then nobody can be in the way there.
            return e.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable;
        }
    }
}

using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Aspire.Hosting.Native;

/// <summary>
/// Free ports on the loopback interface, held by listening on them until whoever they are for starts: another AppHost that
/// starts at the same moment then takes others. They are below the range from which Linux gives outgoing connections their
/// ports (32768 and up), so that no client can sit on a server's port while the server restarts, or connect to itself there.
/// </summary>
internal static class LoopbackPort
{
    private const int First = 20_000;
    private const int End = 32_000;

    private static readonly ConcurrentDictionary<int, TcpListener[]> _held = [];

    /// <summary>Any free port.</summary>
    public static int Reserve()
    {
        for (var attempt = 0; attempt < 1000; attempt++)
        {
            var port = RandomNumberGenerator.GetInt32(First, End);
            if (TryReserve(port))
            {
                return port;
            }
        }

        throw new DistributedApplicationException($"No free port between {First} and {End} on 127.0.0.1.");
    }

    public static bool TryReserve(int port)
    {
        var listeners = new List<TcpListener>();
        foreach (var address in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
        {
            var listener = new TcpListener(address, port);
            listeners.Add(listener);
            try
            {
                listener.Start();
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable)
            {
                // No IPv6 on this machine: then nobody can be in the way there.
            }
            catch (SocketException)
            {
                listeners.ForEach(held => held.Dispose());
                return false;
            }
        }

        _held[port] = [.. listeners];
        return true;
    }

    /// <summary>Lets the port go to the process that it was reserved for. Nothing happens if that was done before.</summary>
    public static void Release(int port)
    {
        if (_held.TryRemove(port, out var listeners))
        {
            Array.ForEach(listeners, listener => listener.Dispose());
        }
    }

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
}

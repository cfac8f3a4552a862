using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.Native;

namespace Aspire.Hosting.Running;

/// <summary>One address for several replicas: each connection goes to the next replica that answers.</summary>
internal sealed class TcpProxy(int port, IReadOnlyList<int> backends) : IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<TcpListener> _listeners = [];
    private int _next;

    public void Start()
    {
        LoopbackPort.Release(port);
        foreach (var address in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
        {
            try
            {
                var listener = new TcpListener(address, port);
                listener.Start();
                _listeners.Add(listener);
                _ = AcceptAsync(listener);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable)
            {
                // No IPv6 on this machine.
            }
        }
    }

    public void Dispose()
    {
        _stopping.Cancel();
        _listeners.ForEach(listener => listener.Dispose());
        _stopping.Dispose();
    }

    private static async Task CopyAsync(Socket from, Socket to, CancellationToken cancellationToken)
    {
        var buffer = new byte[32 * 1024];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer, cancellationToken)) > 0)
            {
                for (var sent = 0; sent < read;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), cancellationToken);
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One side is gone: so must be the other, also for the copy in the other direction.
            from.Dispose();
            to.Dispose();
        }
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                _ = ForwardAsync(await listener.AcceptSocketAsync(_stopping.Token), _stopping.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Stopped.
        }
    }

    private async Task ForwardAsync(Socket client, CancellationToken cancellationToken)
    {
        using (client)
        using (var backend = await ConnectAsync(cancellationToken))
        {
            if (backend is null)
            {
                // No replica listens. A reset tells the caller sooner than an orderly end of an empty answer.
                client.LingerState = new LingerOption(enable: true, seconds: 0);
                return;
            }

            client.NoDelay = backend.NoDelay = true;
            await Task.WhenAll(CopyAsync(client, backend, cancellationToken), CopyAsync(backend, client, cancellationToken));
        }
    }

    private async Task<Socket?> ConnectAsync(CancellationToken cancellationToken)
    {
        var first = Interlocked.Increment(ref _next);
        for (var i = 0; i < backends.Count; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, backends[(int)((uint)(first + i) % backends.Count)], cancellationToken);
                return socket;
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                socket.Dispose();
            }
        }

        return null;
    }
}

using System.Net;
using System.Net.Sockets;

namespace Aspire.Hosting;

/// <summary>Asks a broker for its first frame: it opens its listener last, so an answer means that it is ready.</summary>
internal static class AmqpHandshake
{
    private const byte MethodFrame = 1;

    private static readonly byte[] _protocolHeader = [.. "AMQP"u8, 0, 0, 9, 1];

    public static async Task<bool> IsAnsweredAsync(int port, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(5));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, timeout.Token);
            await socket.SendAsync(_protocolHeader, timeout.Token);
            var first = new byte[1];
            return await socket.ReceiveAsync(first, timeout.Token) == 1 && first[0] == MethodFrame;
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}

using System.Net;
using System.Net.Sockets;

namespace Aspire.Hosting;

/// <summary>Whether a broker answers.</summary>
internal sealed class AmqpHandshake
{
    private const byte MethodFrame = 1;

    private static readonly byte[] _protocolHeader = [.. "AMQP"u8, 0, 0, 9, 1];

    private bool _hasAnswered;

    /// <summary>
    /// Asks for its first frame: it opens its listener last, so an answer means that it is ready. Later an open listener will do,
    /// since the broker logs a warning for each handshake that is not completed.
    /// </summary>
    public async Task<bool> IsAnsweredAsync(int port, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(5));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, timeout.Token);
            if (_hasAnswered)
            {
                return true;
            }

            await socket.SendAsync(_protocolHeader, timeout.Token);
            var first = new byte[1];
            return _hasAnswered = await socket.ReceiveAsync(first, timeout.Token) == 1 && first[0] == MethodFrame;
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return _hasAnswered = false;
        }
    }
}

using System.Net;
using System.Net.Sockets;

namespace TicketApp.Api.Webhooks;

/// <summary>Makes the handler that webhooks are sent by: it connects to public addresses only, and follows nothing.</summary>
/// <remarks>
/// Not of the client factory, whose clients resolve service names and repeat what failed. The address is checked where it is
/// connected to, after the name was resolved, so that no later answer of a name server can lead elsewhere.
/// </remarks>
internal static class WebhookTransport
{
    private const int MaxHeadersKiB = 16;
    private const int MaxDrain = 16 * 1024;

    /// <summary>A handler that checks every address it connects to.</summary>
    public static SocketsHttpHandler CreateHandler(WebhookOptions options) => new()
    {
        AllowAutoRedirect = false,
        // A proxy would connect for us, to what nobody has checked.
        UseProxy = false,
        UseCookies = false,
        // The framework's span would record the whole URL, whose path may be a secret; "deliver webhook" has the host.
        ActivityHeadersPropagator = null,
        ConnectTimeout = options.ConnectTimeout,
        MaxResponseHeadersLength = MaxHeadersKiB,
        // Only the status counts. Of the body as much is read as keeps the connection usable.
        MaxResponseDrainSize = MaxDrain,
        ResponseDrainTimeout = TimeSpan.FromSeconds(1),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        ConnectCallback = (context, cancellationToken) =>
            ConnectAsync(context.DnsEndPoint, options.AllowPrivateAddresses, cancellationToken),
    };

    private static async ValueTask<Stream> ConnectAsync(DnsEndPoint target, bool allowPrivate, CancellationToken cancellationToken)
    {
        var addresses = await Dns.GetHostAddressesAsync(target.Host, cancellationToken);
        // One that is not public is one too many: no honest name has both.
        if (!allowPrivate && !Array.TrueForAll(addresses, PublicInternet.Contains))
        {
            throw new PrivateAddressException();
        }

        Socket? socket = null;
        try
        {
            socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(addresses, target.Port, cancellationToken);
            NetworkStream stream = new(socket, ownsSocket: true);
            socket = null;
            return stream;
        }
        finally
        {
            socket?.Dispose();
        }
    }
}

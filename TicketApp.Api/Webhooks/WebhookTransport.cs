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
        // One private address is enough: no honest name leads to both kinds.
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

/// <summary>
/// Tells addresses of the public Internet from all others: private, local, shared, reserved, and those that stand for such.
/// </summary>
/// <remarks>By the IANA registries of special-purpose addresses for IPv4 and IPv6.</remarks>
internal static class PublicInternet
{
    private static readonly IPNetwork[] _special4 =
    [
        IPNetwork.Parse("0.0.0.0/8"),         // this network
        IPNetwork.Parse("10.0.0.0/8"),        // private
        IPNetwork.Parse("100.64.0.0/10"),     // shared by a carrier's customers; one cloud's metadata
        IPNetwork.Parse("127.0.0.0/8"),       // loopback
        IPNetwork.Parse("168.63.129.16/32"),  // Azure's host, with its metadata
        IPNetwork.Parse("169.254.0.0/16"),    // link-local; most clouds' metadata
        IPNetwork.Parse("172.16.0.0/12"),     // private
        IPNetwork.Parse("192.0.0.0/24"),      // protocol assignments; one cloud's metadata
        IPNetwork.Parse("192.0.2.0/24"),      // documentation
        IPNetwork.Parse("192.31.196.0/24"),   // AS112
        IPNetwork.Parse("192.52.193.0/24"),   // AMT
        IPNetwork.Parse("192.88.99.0/24"),    // 6to4 relays
        IPNetwork.Parse("192.168.0.0/16"),    // private
        IPNetwork.Parse("192.175.48.0/24"),   // AS112
        IPNetwork.Parse("198.18.0.0/15"),     // benchmarks
        IPNetwork.Parse("198.51.100.0/24"),   // documentation
        IPNetwork.Parse("203.0.113.0/24"),    // documentation
        IPNetwork.Parse("224.0.0.0/3"),       // multicast, reserved, broadcast
    ];

    private static readonly IPNetwork _global6 = IPNetwork.Parse("2000::/3"); // all that is handed out as global unicast

    private static readonly IPNetwork[] _special6 =
    [
        IPNetwork.Parse("2001::/23"),         // protocol assignments, Teredo with its embedded IPv4 among them
        IPNetwork.Parse("2001:db8::/32"),     // documentation
        IPNetwork.Parse("2002::/16"),         // 6to4, with an embedded IPv4
        IPNetwork.Parse("2620:4f:8000::/48"), // AS112
        IPNetwork.Parse("3fff::/20"),         // documentation
    ];

    // A network without IPv4 of its own reaches all of it so (RFC 6052): what counts is the embedded address.
    private static readonly IPNetwork _nat64 = IPNetwork.Parse("64:ff9b::/96");

    /// <summary>Whether <paramref name="address"/> is one that anybody on the Internet may be reached by.</summary>
    public static bool Contains(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }
        else if (_nat64.Contains(address))
        {
            address = new(address.GetAddressBytes().AsSpan(12));
        }

        return address.AddressFamily == AddressFamily.InterNetwork
            ? !IsIn(_special4, address)
            : _global6.Contains(address) && !IsIn(_special6, address);
    }

    private static bool IsIn(IPNetwork[] networks, IPAddress address) => Array.Exists(networks, network => network.Contains(address));
}

/// <summary>A connection was not made, since the host has an address that is not of the public Internet.</summary>
internal sealed class PrivateAddressException : Exception
{
    public PrivateAddressException()
        : this("The host has an address that is not public.")
    {
    }

    public PrivateAddressException(string message)
        : base(message)
    {
    }

    public PrivateAddressException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

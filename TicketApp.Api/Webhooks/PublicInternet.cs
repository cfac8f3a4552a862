using System.Net;
using System.Net.Sockets;

namespace TicketApp.Api.Webhooks;

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

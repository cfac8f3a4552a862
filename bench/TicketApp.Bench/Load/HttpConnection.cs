using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using TicketApp.Bench.Machine;

namespace TicketApp.Bench.Load;

/// <summary>
/// One keep-alive HTTP/1.1 connection. A driver shares the machine with what it measures, so it must cost as little as it
/// can: one thread serves all connections, with as few calls into the kernel as there can be.
/// </summary>
internal sealed class HttpConnection : IDisposable
{
    private static readonly byte[] _headersEnd = "\r\n\r\n"u8.ToArray();
    private static readonly byte[] _lastChunk = "\r\n0\r\n\r\n"u8.ToArray();

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
    {
        NoDelay = true,
        ReceiveTimeout = 60_000,
    };
    private readonly byte[] _buffer = new byte[16 * 1024];
    private int _read;

    public HttpConnection(Uri address)
    {
        _socket.Connect(IPAddress.Parse(address.Host), address.Port);
    }

    /// <summary>The bytes of a request; <paramref name="body"/> null is a GET.</summary>
    public static byte[] Request(Uri address, string target, string? body) => Encoding.ASCII.GetBytes(body is null
        ? $"GET {target} HTTP/1.1\r\nHost: {address.Authority}\r\n\r\n"
        : $"POST {target} HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\n"
            + $"Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

    /// <summary>What to wait on.</summary>
    public PollDescriptor Descriptor => new((int)_socket.SafeHandle.DangerousGetHandle());

    /// <summary>Sends a request.</summary>
    /// <param name="request">As <see cref="Request"/> makes it.</param>
    public void Send(ReadOnlySpan<byte> request)
    {
        _read = 0;
        _socket.Send(request);
    }

    /// <summary>Reads what has come; waits if nothing has.</summary>
    /// <param name="status">The answer's status.</param>
    /// <param name="body">The answer's body, until the next call.</param>
    /// <returns>Whether the answer is complete; if not, there is more to read.</returns>
    public bool TryReceive(out HttpStatusCode status, out ReadOnlySpan<byte> body)
    {
        var received = _socket.Receive(_buffer.AsSpan(_read));
        _read += received > 0 ? received : throw new IOException("The service closed the connection.");
        body = default;
        status = default;
        var answer = _buffer.AsSpan(0, _read);
        var end = answer.IndexOf(_headersEnd);
        if (end < 0)
        {
            return false;
        }

        status = (HttpStatusCode)int.Parse(answer[9..12], CultureInfo.InvariantCulture);
        var content = answer[(end + _headersEnd.Length)..];
        if (ContentLength(answer[..end]) is { } length)
        {
            body = content;
            return content.Length >= length;
        }

        if (!content.EndsWith(_lastChunk))
        {
            return false;
        }

        // All answers here are of one chunk.
        var size = content.IndexOf("\r\n"u8);
        body = content.Slice(size + 2, int.Parse(content[..size], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        return true;
    }

    /// <summary>Sends a request and waits for the answer.</summary>
    public (HttpStatusCode Status, string Body) Exchange(ReadOnlySpan<byte> request)
    {
        Send(request);
        HttpStatusCode status;
        ReadOnlySpan<byte> body;
        while (!TryReceive(out status, out body))
        {
        }

        return (status, Encoding.UTF8.GetString(body));
    }

    public void Dispose() => _socket.Dispose();

    private static int? ContentLength(ReadOnlySpan<byte> headers)
    {
        var at = headers.IndexOf("Content-Length: "u8);
        if (at < 0)
        {
            return null;
        }

        var value = headers[(at + "Content-Length: ".Length)..];
        var end = value.IndexOf((byte)'\r');
        return int.Parse(end < 0 ? value : value[..end], CultureInfo.InvariantCulture);
    }
}

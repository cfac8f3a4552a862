using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;
using TicketApp.Api.Http;

namespace TicketApp.Api.Tickets;

/// <summary>By what a repeated submission is known: the key that the caller chose, and what it stands for.</summary>
/// <param name="Key">The caller's key.</param>
/// <param name="BodyHash">SHA-256 of the request's body.</param>
internal sealed record IdempotencyKey(string Key, byte[] BodyHash)
{
    /// <summary>SHA-256 of the key.</summary>
    public byte[] KeyHash => SHA256.HashData(Encoding.ASCII.GetBytes(Key));

    /// <summary>Reads the header.</summary>
    /// <returns>Neither, where there is no such header.</returns>
    public static (IdempotencyKey? Key, Problem? Problem) Read(StringValues header, ReadOnlySpan<byte> body)
    {
        var (key, problem) = IdempotencyHeader.Read(header);
        return (key is null ? null : new(key, SHA256.HashData(body)), problem);
    }

    /// <summary>The key of one ticket of a batch that carries this one. No caller's key has a space in it.</summary>
    public IdempotencyKey OfItem(int index, ReadOnlySpan<byte> body) => new($"{Key} {index}", SHA256.HashData(body));
}

using System.Buffers.Binary;

namespace TicketApp.Api.Storage;

/// <summary>
/// Ids of tickets are UUIDs of version 7: in their order the tickets are in that of time, on the clock of the Api that made them.
/// </summary>
internal static class TicketIds
{
    /// <summary>The id that no other is behind.</summary>
    public static Guid Last { get; } = new("ffffffff-ffff-ffff-ffff-ffffffffffff");

    /// <summary>An id that every one made at <paramref name="time"/> or later is behind.</summary>
    public static Guid FirstAt(DateTimeOffset time)
    {
        const int TimeBits = 48;
        var milliseconds = Math.Clamp(time.ToUnixTimeMilliseconds(), 0, (1L << TimeBits) - 1);
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, milliseconds << (64 - TimeBits));
        return new Guid(bytes, bigEndian: true);
    }
}

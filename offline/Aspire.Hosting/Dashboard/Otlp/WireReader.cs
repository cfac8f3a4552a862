using System.Buffers.Binary;
using System.Text;

namespace Aspire.Hosting.Dashboard.Otlp;

/// <summary>Reads the fields of one protobuf message, one after the other. Nested messages are fields of bytes.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    public int Field { get; private set; }

    /// <summary>The value of a field of a number type.</summary>
    public ulong Number { get; private set; }

    /// <summary>The value of a field that has a length.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    public readonly string Text => Encoding.UTF8.GetString(Bytes);

    public readonly double Double => BitConverter.UInt64BitsToDouble(Number);

    /// <summary>Moves on to the next field; false at the end.</summary>
    /// <exception cref="InvalidDataException">These bytes are no message.</exception>
    public bool Next()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }

        var tag = ReadVarint();
        Field = (int)(tag >> 3);
        Number = 0;
        Bytes = default;
        switch (tag & 7)
        {
            case 0:
                Number = ReadVarint();
                break;
            case 1:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));
                break;
            case 2:
                Bytes = Take(ReadVarint());
                break;
            case 5:
                Number = BinaryPrimitives.ReadUInt32LittleEndian(Take(sizeof(uint)));
                break;
            default:
                throw new InvalidDataException("Unknown wire type.");
        }

        return true;
    }

    /// <summary>Moves on to the next field of that number.</summary>
    public bool NextOf(int field)
    {
        while (Next())
        {
            if (Field == field)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The latest occurrence of a field with a length; empty if there is none.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> message, int field)
    {
        var reader = new WireReader(message);
        ReadOnlySpan<byte> found = default;
        while (reader.NextOf(field))
        {
            found = reader.Bytes;
        }

        return found;
    }

    /// <summary>The latest occurrence of a field of a number type; 0 if there is none.</summary>
    public static ulong FindNumber(ReadOnlySpan<byte> message, int field)
    {
        var reader = new WireReader(message);
        ulong found = 0;
        while (reader.NextOf(field))
        {
            found = reader.Number;
        }

        return found;
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Take(1)[0];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("A number is too long.");
    }

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)_rest.Length)
        {
            throw new InvalidDataException("The message ends too early.");
        }

        var taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }
}

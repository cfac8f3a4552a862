using System.Runtime.InteropServices;

namespace TicketApp.Sentiment.Weights;

/// <summary>Takes numbers from the front of what is left of a file.</summary>
internal ref struct WeightsReader(ReadOnlySpan<byte> rest)
{
    private ReadOnlySpan<byte> _rest = rest;

    public T Next<T>()
        where T : unmanaged => Next<T>(1)[0];

    /// <exception cref="InvalidDataException">Less is left.</exception>
    public T[] Next<T>(int count)
        where T : unmanaged
    {
        var size = (long)count * Marshal.SizeOf<T>();
        if (count < 0 || size > _rest.Length)
        {
            throw new InvalidDataException("The sentiment weights end too early.");
        }

        var values = MemoryMarshal.Cast<byte, T>(_rest[..(int)size]).ToArray();
        _rest = _rest[(int)size..];
        return values;
    }
}

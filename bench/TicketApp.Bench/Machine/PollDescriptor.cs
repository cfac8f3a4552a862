using System.Runtime.InteropServices;

namespace TicketApp.Bench.Machine;

/// <summary>C's <c>struct pollfd</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollDescriptor
{
    private const short Readable = 1;

    private readonly int _file;
    private readonly short _wanted;
    private readonly short _found;

    /// <summary>Watches <paramref name="file"/> for something to read; a negative one is left out.</summary>
    public PollDescriptor(int file) => (_file, _wanted) = (file, Readable);

    /// <summary>Whether there is something to read, or an end or an error that reading will show.</summary>
    public readonly bool IsReady => _found != 0;
}

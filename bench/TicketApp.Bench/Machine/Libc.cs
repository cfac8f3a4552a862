using System.Runtime.InteropServices;

namespace TicketApp.Bench.Machine;

/// <summary>What .NET has no call for: a signal to another process, and a wait of less than a millisecond.</summary>
internal static partial class Libc
{
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    /// <summary>Sends a signal; −1 if the process is gone.</summary>
    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Kill(int processId, int signal);

    /// <summary>Waits until one of the descriptors is ready or the time is over, to within about 60 µs; returns how many are.</summary>
    public static unsafe int Poll(Span<PollDescriptor> descriptors, TimeSpan time)
    {
        // C's struct timespec: seconds and nanoseconds.
        Span<long> limit = [time.Ticks / TimeSpan.TicksPerSecond, time.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick];
        fixed (PollDescriptor* first = descriptors)
        fixed (long* seconds = limit)
        {
            return Poll(first, (ulong)descriptors.Length, seconds, 0);
        }
    }

    [LibraryImport("libc", EntryPoint = "ppoll", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static unsafe partial int Poll(PollDescriptor* descriptors, ulong count, long* time, nint signals);
}

using System.Runtime.InteropServices;

namespace TicketApp.Bench.Machine;

/// <summary>What .NET has no call for: a signal to another process, and a sleep of less than a millisecond.</summary>
internal static partial class Libc
{
    public const int Interrupt = 2;
    public const int Terminate = 15;

    /// <summary>Sends a signal; −1 if the process is gone.</summary>
    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Kill(int processId, int signal);

    /// <summary>Sleeps, to within about 60 µs.</summary>
    [LibraryImport("libc", EntryPoint = "usleep", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int SleepMicroseconds(uint microseconds);
}

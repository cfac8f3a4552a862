using System.Globalization;

namespace TicketApp.Bench.Machine;

/// <summary>One process, as <c>/proc</c> has it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="ParentId">Its parent's.</param>
/// <param name="Name">The name of its program, at most 15 characters.</param>
/// <param name="CpuSeconds">CPU time of its own, user and system.</param>
/// <param name="EndedChildrenCpuSeconds">CPU time of its children that have ended.</param>
/// <param name="Threads">Its threads.</param>
internal readonly record struct ProcessStatus(
    int Id, int ParentId, string Name, double CpuSeconds, double EndedChildrenCpuSeconds, int Threads)
{
    // USER_HZ, fixed on Linux for all that reads /proc.
    private const double TicksPerSecond = 100;

    /// <summary>Reads one; null if it has ended.</summary>
    public static ProcessStatus? Read(int id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");
            // The name may hold spaces and brackets: the fields begin behind its last one.
            var open = text.IndexOf('(', StringComparison.Ordinal);
            var close = text.LastIndexOf(')');
            var fields = text[(close + 2)..].Split(' ');
            return new(
                id,
                Integer(fields[1]),
                text[(open + 1)..close],
                (Long(fields[11]) + Long(fields[12])) / TicksPerSecond,
                (Long(fields[13]) + Long(fields[14])) / TicksPerSecond,
                Integer(fields[17]));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Reads all.</summary>
    public static IReadOnlyList<ProcessStatus> ReadAll() =>
        [.. Directory.EnumerateDirectories("/proc")
            .Select(Path.GetFileName)
            .Where(name => char.IsAsciiDigit(name![0]))
            .Select(name => Read(Integer(name!)))
            .OfType<ProcessStatus>()];

    /// <summary>Memory in use, in megabytes of 1,000,000 bytes: now, or the most so far.</summary>
    public static double MemoryMegabytes(int id, bool peak = false)
    {
        var key = peak ? "VmHWM:" : "VmRSS:";
        var line = File.ReadLines($"/proc/{id}/status").First(line => line.StartsWith(key, StringComparison.Ordinal));
        return Long(line[key.Length..].Replace("kB", "", StringComparison.Ordinal).Trim()) * 1024 / 1e6;
    }

    private static int Integer(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static long Long(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}

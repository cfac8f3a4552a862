using System.Diagnostics;
using System.Globalization;

namespace TicketApp.Tests.Fixtures;

/// <summary>A process of this machine. Ids are given out again: only together with its start time does one name a process.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Program">The first 15 characters of its program's name.</param>
/// <param name="State">As <c>ps</c> shows it: <c>Z</c> and <c>X</c> have ended.</param>
/// <param name="Parent">The id of what started it.</param>
/// <param name="StartTime">When it began, in ticks since the machine did.</param>
internal sealed record ProcessEntry(int Id, string Program, string State, int Parent, string StartTime)
{
    /// <summary>Whether this very process still runs.</summary>
    public bool IsAlive => ProcessTree.Find(Id) is { State: not ("Z" or "X") } now && now.StartTime == StartTime;
}

/// <summary>The processes of this machine, as <c>/proc</c> tells of them.</summary>
internal static class ProcessTree
{
    /// <summary>What a process started and what these started, parents first.</summary>
    public static List<ProcessEntry> DescendantsOf(int processId)
    {
        var children = All().ToLookup(process => process.Parent);
        List<ProcessEntry> descendants = [.. children[processId]];
        for (var i = 0; i < descendants.Count; i++)
        {
            descendants.AddRange(children[descendants[i].Id]);
        }

        return descendants;
    }

    /// <summary>The one process whose command line has <paramref name="arguments"/> in it, one after the other.</summary>
    public static ProcessEntry FindByArguments(params IEnumerable<string> arguments)
    {
        var wanted = $"{string.Join('\0', arguments)}\0";
        return All().Single(process => Read(process.Id, "cmdline")?.Contains(wanted, StringComparison.Ordinal) == true);
    }

    /// <returns>Null without one of that id.</returns>
    public static ProcessEntry? Find(int processId)
    {
        if (Read(processId, "stat") is not { } stat)
        {
            return null;
        }

        // "PID (PROGRAM) STATE PARENT ...", where the program's name may have spaces and brackets: proc(5).
        var end = stat.LastIndexOf(')');
        var fields = stat[(end + 2)..].Split(' ');
        var program = stat[(stat.IndexOf('(', StringComparison.Ordinal) + 1)..end];
        return new(processId, program, fields[0], int.Parse(fields[1], CultureInfo.InvariantCulture), fields[19]);
    }

    /// <summary>Sends a signal, such as <c>STOP</c>, to all of them at once, so that none has time to notice the end of another.</summary>
    /// <returns>Whether it reached all.</returns>
    public static async Task<bool> SignalAsync(string signal, params IEnumerable<int> processIds)
    {
        string[] arguments = ["-c", $"kill -s {signal} {string.Join(' ', processIds)}"];
        using var kill = Process.Start(new ProcessStartInfo("sh", arguments) { RedirectStandardError = true })!;
        await kill.WaitForExitAsync();
        return kill.ExitCode == 0;
    }

    private static IEnumerable<ProcessEntry> All() => Directory.EnumerateDirectories("/proc")
        .Select(directory => int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var id) ? Find(id) : null)
        .OfType<ProcessEntry>();

    private static string? Read(int processId, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{processId.ToString(CultureInfo.InvariantCulture)}/{file}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It has ended, or is another user's.
            return null;
        }
    }
}

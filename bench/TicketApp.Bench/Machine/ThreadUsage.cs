using System.Globalization;

namespace TicketApp.Bench.Machine;

/// <summary>What the threads of one name used, in one part of a system.</summary>
/// <param name="Part">The part, as its <see cref="ProcessTree"/> is called.</param>
/// <param name="Thread">The threads' name without its number; for PostgreSQL, what the process is for.</param>
/// <param name="User">CPU seconds in the program.</param>
/// <param name="Kernel">CPU seconds in the kernel.</param>
/// <param name="Switches">How often one of them was put to sleep or had to make way.</param>
internal sealed record ThreadUsage(string Part, string Thread, double User, double Kernel, long Switches)
{
    private const double TicksPerSecond = 100;

    /// <summary>Reads all threads that live now.</summary>
    public static IReadOnlyList<ThreadUsage> Read(IEnumerable<ProcessTree> trees)
    {
        var byParent = ProcessStatus.ReadAll().ToLookup(process => process.ParentId);
        return
        [
            .. from tree in trees
               from id in Members(tree.RootId, byParent)
               from thread in ReadThreads(tree.Name, id)
               group thread by (thread.Part, thread.Thread) into same
               select same.Aggregate((sum, next) => sum.Add(next, 1)),
        ];
    }

    /// <summary>What was used since <paramref name="before"/>.</summary>
    public static IEnumerable<ThreadUsage> Since(IReadOnlyList<ThreadUsage> before, IReadOnlyList<ThreadUsage> now) =>
        from usage in now
        let earlier = before.FirstOrDefault(other => (other.Part, other.Thread) == (usage.Part, usage.Thread))
        select earlier is null ? usage : usage.Add(earlier, -1);

    private ThreadUsage Add(ThreadUsage other, int sign) => this with
    {
        User = User + (sign * other.User),
        Kernel = Kernel + (sign * other.Kernel),
        Switches = Switches + (sign * other.Switches),
    };

    private static IEnumerable<int> Members(int root, ILookup<int, ProcessStatus> byParent) =>
        byParent[root].SelectMany(child => Members(child.Id, byParent)).Prepend(root);

    private static List<ThreadUsage> ReadThreads(string part, int process)
    {
        List<ThreadUsage> threads = [];
        try
        {
            var role = PostgresRole(process);
            foreach (var directory in Directory.EnumerateDirectories($"/proc/{process}/task"))
            {
                var text = File.ReadAllText(Path.Combine(directory, "stat"));
                var close = text.LastIndexOf(')');
                var fields = text[(close + 2)..].Split(' ');
                var name = text[(text.IndexOf('(', StringComparison.Ordinal) + 1)..close].TrimEnd([.. "0123456789_-#"]);
                var switches = File.ReadLines(Path.Combine(directory, "status"))
                    .Where(line => line.Contains("ctxt_switches", StringComparison.Ordinal))
                    .Sum(line => Number(line.Split('\t')[1]));
                threads.Add(new(part, role ?? name, Number(fields[11]) / TicksPerSecond, Number(fields[12]) / TicksPerSecond, switches));
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It has ended.
        }

        return threads;
    }

    /// <summary>A process of PostgreSQL has one thread, and says in its title what it is for.</summary>
    private static string? PostgresRole(int process)
    {
        var title = File.ReadAllText($"/proc/{process}/cmdline").Split('\0')[0];
        return !title.StartsWith("postgres: ", StringComparison.Ordinal) ? null
            : title.Contains('(', StringComparison.Ordinal) ? "sessions"
            : title["postgres: ".Length..].Trim();
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}

using System.Globalization;

namespace TicketApp.Tests.AppHost.Publish;

/// <summary>
/// A control group, in which a process has no more memory and processor time than its manifest gives it, as in its container. .NET finds
/// the limits there too. Root alone can make one.
/// </summary>
internal sealed class ResourceLimits
{
    private const string Root = "/sys/fs/cgroup";
    private const string Prefix = "ticketapp-tests-";
    private const int PeriodMicroseconds = 100_000;

    private static readonly List<string> _made = [];
    private static int _count;

    private readonly string _memory;
    private readonly string _cpu;
    private readonly bool _isUnified;

    static ResourceLimits() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (var folder in _made)
        {
            Remove(folder);
        }
    };

    private ResourceLimits(string memory, string cpu, bool isUnified)
    {
        (_memory, _cpu, _isUnified) = (memory, cpu, isUnified);
        foreach (var folder in Folders)
        {
            RemoveLeftovers(Path.GetDirectoryName(folder)!);
            Directory.CreateDirectory(folder);
            lock (_made)
            {
                _made.Add(folder);
            }
        }
    }

    /// <summary>The folders of the group. A process that writes its id into <c>cgroup.procs</c> of each belongs to it.</summary>
    public IEnumerable<string> Folders => _isUnified ? [_memory] : [_memory, _cpu];

    /// <summary>The most memory in use so far, in bytes, files that the kernel keeps for it included.</summary>
    public long PeakMemory => Read(_memory, _isUnified ? "memory.peak" : "memory.max_usage_in_bytes");

    /// <summary>How often the kernel has killed a process that had no memory left.</summary>
    public long Kills => Field(_memory, _isUnified ? "memory.events" : "memory.oom_control", "oom_kill");

    /// <summary>How long its processes had to wait for processor time of the next period.</summary>
    public TimeSpan Throttled => _isUnified
        ? TimeSpan.FromMicroseconds(Field(_cpu, "cpu.stat", "throttled_usec"))
        : TimeSpan.FromMicroseconds(Field(_cpu, "cpu.stat", "throttled_time") / 1000);

    /// <summary>A group with the limits of a workload; null: this machine lets nobody make one.</summary>
    public static ResourceLimits? Of(Workload workload)
    {
        var name = string.Create(
            CultureInfo.InvariantCulture, $"{Prefix}{Environment.ProcessId}-{Interlocked.Increment(ref _count)}");
        try
        {
            var isUnified = File.Exists(Path.Combine(Root, "cgroup.controllers"));
            var limits = isUnified
                ? new ResourceLimits(Path.Combine(Root, name), Path.Combine(Root, name), isUnified)
                : new ResourceLimits(Path.Combine(Own("memory"), name), Path.Combine(Own("cpu"), name), isUnified);
            limits.Set(workload);
            return limits;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Version 1 has a tree a controller: below the group of this process, whose limits count too.</summary>
    private static string Own(string controller) => Path.Combine(Root, controller, File.ReadLines("/proc/self/cgroup")
        .Select(line => line.Split(':', 3)).Where(line => line[1].Split(',').Contains(controller)).Select(line => line[2].TrimStart('/'))
        .FirstOrDefault("."));

    private static void RemoveLeftovers(string parent)
    {
        foreach (var folder in Directory.EnumerateDirectories(parent, $"{Prefix}*"))
        {
            // Of tests that were killed.
            if (!Directory.Exists($"/proc/{Path.GetFileName(folder)[Prefix.Length..].Split('-')[0]}"))
            {
                Remove(folder);
            }
        }
    }

    private static void Remove(string folder)
    {
        try
        {
            // The kernel's files in it are no obstacle.
            Directory.Delete(folder);
        }
        catch (IOException)
        {
            // Somebody is still in it, or it is gone.
        }
    }

    private void Set(Workload workload)
    {
        if (workload.Memory is { } memory)
        {
            var bytes = memory.ToString(CultureInfo.InvariantCulture);
            Write(_memory, _isUnified ? "memory.max" : "memory.limit_in_bytes", bytes);
            // Containers have no swap; in version 1 the limit is of both together.
            var (swap, most) = _isUnified ? ("memory.swap.max", "0") : ("memory.memsw.limit_in_bytes", bytes);
            if (File.Exists(Path.Combine(_memory, swap)))
            {
                Write(_memory, swap, most);
            }
        }

        if (workload.Cpus is { } cpus)
        {
            var quota = ((long)(cpus * PeriodMicroseconds)).ToString(CultureInfo.InvariantCulture);
            var (file, text) = _isUnified
                ? ("cpu.max", string.Create(CultureInfo.InvariantCulture, $"{quota} {PeriodMicroseconds}"))
                : ("cpu.cfs_quota_us", quota);
            Write(_cpu, file, text);
        }
    }

    private static void Write(string folder, string file, string text) => File.WriteAllText(Path.Combine(folder, file), text);

    private static long Read(string folder, string file) =>
        long.Parse(File.ReadAllText(Path.Combine(folder, file)), CultureInfo.InvariantCulture);

    private static long Field(string folder, string file, string name) => long.Parse(
        File.ReadLines(Path.Combine(folder, file)).Select(line => line.Split(' ')).Single(field => field[0] == name)[1],
        CultureInfo.InvariantCulture);
}

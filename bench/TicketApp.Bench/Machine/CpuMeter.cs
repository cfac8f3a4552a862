namespace TicketApp.Bench.Machine;

/// <summary>Measures what CPU time process trees use between two moments.</summary>
internal sealed class CpuMeter
{
    private readonly IReadOnlyList<ProcessTree> _trees;
    private readonly Dictionary<string, double> _before;

    private CpuMeter(IReadOnlyList<ProcessTree> trees)
    {
        _trees = trees;
        _before = Read();
    }

    public static CpuMeter Start(IEnumerable<ProcessTree> trees) => new([.. trees]);

    /// <summary>CPU seconds since the start, by the trees' names.</summary>
    public IReadOnlyDictionary<string, double> Stop() => Read().ToDictionary(now => now.Key, now => now.Value - _before[now.Key]);

    private Dictionary<string, double> Read() => _trees
        .GroupBy(tree => tree.Name)
        .ToDictionary(group => group.Key, group => group.Sum(tree => tree.CpuSeconds()));
}

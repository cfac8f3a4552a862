namespace TicketApp.Bench.Machine;

/// <summary>A process and all that come from it.</summary>
/// <param name="Name">What it is called in the tables.</param>
/// <param name="RootId">The process at its root.</param>
/// <param name="IsAlone">Whether only the root counts, and nothing that it started.</param>
internal sealed record ProcessTree(string Name, int RootId, bool IsAlone = false)
{
    /// <summary>CPU time of the whole tree so far, ended children included.</summary>
    public double CpuSeconds()
    {
        if (IsAlone)
        {
            return ProcessStatus.Read(RootId)?.CpuSeconds ?? 0;
        }

        var all = ProcessStatus.ReadAll().ToLookup(process => process.ParentId);
        return ProcessStatus.Read(RootId) is { } root ? Sum(root, all) : 0;
    }

    private static double Sum(ProcessStatus process, ILookup<int, ProcessStatus> byParent) =>
        process.CpuSeconds + process.EndedChildrenCpuSeconds + byParent[process.Id].Sum(child => Sum(child, byParent));
}

namespace TicketApp.Api.Dispatch;

/// <summary>
/// About how many tickets are open: counted in the database now and then, kept up in between by what this replica
/// stores and sees end. Counting at each request would cost in proportion to the backlog.
/// </summary>
internal sealed class OpenTickets
{
    private long _estimate;

    /// <summary>The estimate; at other replicas' work it is late by as long as counts are apart.</summary>
    public long Estimate => Interlocked.Read(ref _estimate);

    public void Add(int change) => Interlocked.Add(ref _estimate, change);

    public void Counted(long count) => Interlocked.Exchange(ref _estimate, count);
}

namespace TicketApp.Api.Deadlines;

/// <summary>
/// Says whether ended leases mean anything. While reports cannot reach the database (no broker, no database, this process just
/// started) a lease that runs out says nothing of its worker; so once they flow again every running ticket gets
/// the time of a heartbeat and a half before the next lease is taken away.
/// </summary>
internal sealed class LeaseClock
{
    private readonly Lock _lock = new();
    private bool _flowing;
    private bool _extended;

    public void ReportsFlow()
    {
        lock (_lock)
        {
            _flowing = true;
        }
    }

    public void ReportsStopped()
    {
        lock (_lock)
        {
            _flowing = false;
            _extended = false;
        }
    }

    /// <summary>Reports may have waited: leases are extended before they count again.</summary>
    public void DatabaseWasAway()
    {
        lock (_lock)
        {
            _extended = false;
        }
    }

    /// <summary>Whether leases count now; false for the caller to stay away from them.</summary>
    /// <param name="extensionIsDue">Leases must first be extended, after which the caller says <see cref="Extended"/>.</param>
    public bool Counts(out bool extensionIsDue)
    {
        lock (_lock)
        {
            extensionIsDue = _flowing && !_extended;
            return _flowing;
        }
    }

    public void Extended()
    {
        lock (_lock)
        {
            _extended = true;
        }
    }
}

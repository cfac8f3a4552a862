namespace TicketApp.Api.Dispatch;

/// <summary>What waits for one model, as it was at one moment: the first thousand tickets in the order in which they come.</summary>
internal sealed class BacklogSnapshot
{
    /// <summary>As far as positions are exact.</summary>
    public const int Deepest = 1000;

    private readonly Dictionary<Guid, int> _positions = [];
    private readonly (long Key, Guid TicketId)[] _backlog;

    /// <param name="inFlight">Tickets dispatched or running.</param>
    /// <param name="dispatched">
    /// Those of them that are not known to run, in the order of their dispatch, up to one more than <see cref="Deepest"/>.
    /// </param>
    /// <param name="backlog">Tickets in the database, in the order of the backlog, as many at most.</param>
    public BacklogSnapshot(long inFlight, IReadOnlyList<Guid> dispatched, (long Key, Guid TicketId)[] backlog)
    {
        (InFlight, Dispatched, _backlog) = (inFlight, dispatched.Count, backlog);
        foreach (var ticketId in dispatched.Concat(backlog.Select(ticket => ticket.TicketId)).Take(Deepest))
        {
            _positions[ticketId] = _positions.Count + 1;
        }
    }

    public long InFlight { get; }

    public int Dispatched { get; }

    /// <summary>A ticket's place, from 1.</summary>
    /// <param name="ticketId">The ticket.</param>
    /// <param name="queueKey">Its place in the order of the backlog, if it is there; null if it was dispatched.</param>
    /// <returns>Null if it is further back than <see cref="Deepest"/>.</returns>
    public int? PositionOf(Guid ticketId, long? queueKey)
    {
        if (_positions.TryGetValue(ticketId, out var position))
        {
            return position;
        }

        // Newer than this look: where it would have been.
        var ahead = Dispatched + (queueKey is { } key ? ~Array.BinarySearch(_backlog, (key, ticketId)) : 0);
        return ahead >= 0 && ahead < Deepest ? ahead + 1 : null;
    }
}

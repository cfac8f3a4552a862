namespace TicketApp.Api.Backlog;

/// <summary>A ticket that waits.</summary>
/// <param name="Key">Its place in the order of the backlog; 0 for one that was released.</param>
/// <param name="TicketId">The ticket.</param>
/// <param name="Model">Its model.</param>
internal readonly record struct WaitingTicket(long Key, Guid TicketId, string Model);

/// <summary>How many tickets come before one, itself included.</summary>
/// <param name="Position">Of all.</param>
/// <param name="OfModel">Of those of its model.</param>
internal readonly record struct Rank(int Position, int OfModel);

/// <summary>What waits, as it was at one moment: the first thousand tickets in the order in which they come.</summary>
internal sealed class BacklogSnapshot
{
    /// <summary>As far as positions are exact.</summary>
    public const int Deepest = 1000;

    private static readonly Comparer<WaitingTicket> _order = Comparer<WaitingTicket>.Create((one, other) => (one.Key, one.TicketId).CompareTo((other.Key, other.TicketId)));

    private readonly Dictionary<Guid, Rank> _ranks = [];
    private readonly IReadOnlyList<WaitingTicket> _released;
    private readonly List<WaitingTicket> _backlog;
    private readonly IReadOnlyDictionary<string, long> _inFlight;

    /// <param name="released">Tickets at the broker that are not known to run, in the order of their release, up to one more than <see cref="Deepest"/>.</param>
    /// <param name="backlog">Tickets in the database, in the order of the backlog, as many at most.</param>
    /// <param name="inFlight">Tickets released or running, by model.</param>
    public BacklogSnapshot(IReadOnlyList<WaitingTicket> released, List<WaitingTicket> backlog, IReadOnlyDictionary<string, long> inFlight)
    {
        (_released, _backlog, _inFlight) = (released, backlog, inFlight);
        Dictionary<string, int> ofModel = [];
        foreach (var ticket in released.Concat(backlog).Take(Deepest))
        {
            ofModel[ticket.Model] = ofModel.GetValueOrDefault(ticket.Model) + 1;
            _ranks[ticket.TicketId] = new(_ranks.Count + 1, ofModel[ticket.Model]);
        }
    }

    /// <summary>How many tickets of the model are with workers or on their way to them.</summary>
    public long InFlight(string model) => _inFlight.GetValueOrDefault(model);

    /// <summary>How many of them are not known to run.</summary>
    public int Released(string model) => _released.Count(ticket => ticket.Model == model);

    /// <summary>Where a ticket stands.</summary>
    /// <param name="ticketId">The ticket.</param>
    /// <param name="model">Its model.</param>
    /// <param name="queueKey">Its place in the order of the backlog, if it is there; null if it was released.</param>
    /// <returns>Null if it is further back than <see cref="Deepest"/>.</returns>
    public Rank? RankOf(Guid ticketId, string model, long? queueKey)
    {
        if (_ranks.TryGetValue(ticketId, out var rank))
        {
            return rank;
        }

        // Newer than this look: where it would have been.
        var ahead = queueKey is { } key ? ~_backlog.BinarySearch(new(key, ticketId, model), _order) : 0;
        var position = _released.Count + ahead + 1;
        return ahead >= 0 && position <= Deepest
            ? new(position, Released(model) + _backlog.Take(ahead).Count(ticket => ticket.Model == model) + 1)
            : null;
    }
}

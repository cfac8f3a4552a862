using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;
using TicketApp.Api.Storage;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Dispatch;

/// <summary>
/// Looks at what waits. The cost is bounded by the dispatch window and by how far positions are exact, however long the backlog.
/// </summary>
internal sealed class BacklogStore(NpgsqlDataSource database)
{
    private static readonly string _first = (BacklogSnapshot.Deepest + 1).ToString(CultureInfo.InvariantCulture);

    private const string InFlightSql = "select count(*) from tickets where status in ('dispatched', 'running', 'canceling') and model = $1";

    // A lease begins with the dispatch.
    private static readonly string _dispatchedSql =
        $"""
        select ticket_id from tickets where status in ('dispatched', 'running', 'canceling') and model = $1 and status = 'dispatched'
        order by lease_expires, queue_key, ticket_id limit {_first}
        """;

    private static readonly string _backlogSql =
        $"select ticket_id, queue_key from tickets where status = 'queued' and model = $1 order by queue_key, ticket_id limit {_first}";

    public async Task<BacklogSnapshot> QueryAsync(string model, CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        foreach (var sql in (string[])[InFlightSql, _dispatchedSql, _backlogSql])
        {
            batch.Add(sql, Value(model));
        }

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var inFlight = reader.GetInt64(0);
        List<Guid> dispatched = [];
        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            dispatched.Add(reader.GetGuid(0));
        }

        List<(long, Guid)> backlog = [];
        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            backlog.Add((reader.GetInt64(1), reader.GetGuid(0)));
        }

        return new(inFlight, dispatched, [.. backlog]);
    }
}

/// <summary>The models' backlogs as requests see them. The database is asked only when a request asks.</summary>
internal sealed class BacklogView(BacklogStore store) : IDisposable
{
    private readonly ConcurrentDictionary<string, CachedQuery<BacklogSnapshot>> _queries = new(StringComparer.Ordinal);

    public ValueTask<BacklogSnapshot> GetAsync(string model, CancellationToken cancellationToken) =>
        _queries.GetOrAdd(model, static (model, store) => new(token => store.QueryAsync(model, token)), store).GetAsync(cancellationToken);

    public void Dispose()
    {
        foreach (var look in _queries.Values)
        {
            look.Dispose();
        }
    }
}

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

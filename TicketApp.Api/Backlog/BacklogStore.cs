using System.Globalization;
using Npgsql;

namespace TicketApp.Api.Backlog;

/// <summary>Looks at what waits. The cost is bounded by the dispatch window and by how far positions are exact, however long the backlog.</summary>
internal sealed class BacklogStore(NpgsqlDataSource database)
{
    private const string InFlightSql = "select model, count(*) from tickets where status in ('released', 'running', 'canceling') group by model";

    private static readonly string _first = (BacklogSnapshot.Deepest + 1).ToString(CultureInfo.InvariantCulture);

    // A lease begins with the release.
    private static readonly string _releasedSql =
        $"""
        select 0::bigint, ticket_id, model from tickets where status in ('released', 'running', 'canceling') and status = 'released'
        order by lease_expires, queue_key, ticket_id limit {_first}
        """;

    // Each model has a backlog of its own.
    private static readonly string _backlogSql =
        $"""
        with recursive waiting (model) as (
            (select model from tickets where status = 'queued' order by model limit 1)
            union all
            select (select t.model from tickets t where t.status = 'queued' and t.model > w.model order by t.model limit 1) from waiting w where w.model is not null)
        select q.queue_key, q.ticket_id, w.model
        from waiting w cross join lateral (
            select queue_key, ticket_id from tickets where status = 'queued' and model = w.model order by queue_key, ticket_id limit {_first}) q
        order by q.queue_key, q.ticket_id
        """;

    public async Task<BacklogSnapshot> LookAsync(CancellationToken cancellationToken)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new(InFlightSql));
        batch.BatchCommands.Add(new(_releasedSql));
        batch.BatchCommands.Add(new(_backlogSql));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        Dictionary<string, long> inFlight = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            inFlight[reader.GetString(0)] = reader.GetInt64(1);
        }

        return new(await TicketsAsync(reader, cancellationToken), await TicketsAsync(reader, cancellationToken), inFlight);
    }

    private static async Task<List<WaitingTicket>> TicketsAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        await reader.NextResultAsync(cancellationToken);
        List<WaitingTicket> tickets = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            tickets.Add(new(reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2)));
        }

        return tickets;
    }
}

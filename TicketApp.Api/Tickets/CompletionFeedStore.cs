using Npgsql;
using NpgsqlTypes;
using TicketApp.Api.Auth;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Tickets;

/// <summary>
/// Reads the log of ends: what ended is in it under the transaction that ended it, and shows once no older transaction can add anything
/// before it.
/// </summary>
internal sealed class CompletionFeedStore(NpgsqlDataSource database)
{
    private const int MaxRead = 10_000;

    // Each row comes with the horizon, so that there is one also where nothing has ended.
    private static readonly string _sql =
        $"""
        select {TicketRecord.Columns}, t.finished_xid, h.horizon, t.rows
        from (select pg_snapshot_xmin(pg_current_snapshot()) as horizon) h
        left join lateral ({TicketRecord.PageOf(
            """
            select * from (
                select * from tickets where (finished_xid, ticket_id) > ($1, $2) and finished_xid < h.horizon
                order by finished_xid, ticket_id limit 10000) e
            where $3 or e.user_id = $4 order by e.finished_xid, e.ticket_id limit $5
            """, "t.finished_xid, t.ticket_id")}) t on true
        order by t.finished_xid, t.ticket_id
        """;

    private const string LastReadSql =
        """
        select finished_xid, ticket_id from tickets where (finished_xid, ticket_id) > ($1, $2) and finished_xid < $3
        order by finished_xid, ticket_id offset $4 - 1 limit 1
        """;

    /// <summary>Reads a page.</summary>
    /// <param name="query">Which.</param>
    /// <param name="taken">Counts what it takes in memory.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Its tickets, in the order in which they ended, and where the next page begins.</returns>
    public async Task<(IReadOnlyList<TicketRecord> Rows, string Next)> ReadAsync(
        CompletionFeedQuery query, ByteLimit.TakenBytes taken, CancellationToken cancellationToken)
    {
        List<(TicketRecord Row, ulong Transaction)> ended = [];
        ulong horizon = 0;
        var found = 0;
        await using (var command = database.CreateCommand(_sql))
        {
            AddPosition(command, query);
            command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = query.UserId is null });
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = query.UserId ?? Guid.Empty });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = query.FromNow ? 0 : query.Limit });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                horizon = reader.GetFieldValue<ulong>(TicketRecord.ColumnCount + 1);
                if (!reader.IsDBNull(0))
                {
                    var row = TicketRecord.Read(reader);
                    taken.Add(row.Bytes);
                    ended.Add((row, reader.GetFieldValue<ulong>(TicketRecord.ColumnCount)));
                    found = reader.GetInt32(TicketRecord.ColumnCount + 2);
                }
            }
        }

        var rows = ended.ConvertAll(end => end.Row);
        if (ended.Count == query.Limit || ended.Count < found)
        {
            return (rows, CompletionFeedQuery.CursorAfter(ended[^1].Transaction, ended[^1].Row.TicketId));
        }

        var last = query is { UserId: not null, FromNow: false } ? await LastReadAsync(query, horizon, cancellationToken) : null;
        // All below the horizon was read, and nothing can come there any more. A cursor ahead of it stays: it may be from before a restore.
        return (rows, last ?? CompletionFeedQuery.CursorAfter(Math.Max(horizon - 1, query.Transaction), TicketIds.Last));
    }

    /// <summary>Where reading stopped, if it did not get to the horizon.</summary>
    private async Task<string?> LastReadAsync(CompletionFeedQuery query, ulong horizon, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(LastReadSql);
        AddPosition(command, query);
        command.Parameters.Add(new() { Value = horizon, NpgsqlDbType = NpgsqlDbType.Xid8 });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = MaxRead });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? CompletionFeedQuery.CursorAfter(reader.GetFieldValue<ulong>(0), reader.GetGuid(1))
            : null;
    }

    private static void AddPosition(NpgsqlCommand command, CompletionFeedQuery query)
    {
        command.Parameters.Add(new() { Value = query.Transaction, NpgsqlDbType = NpgsqlDbType.Xid8 });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = query.TicketId });
    }
}

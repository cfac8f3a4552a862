using Npgsql;
using NpgsqlTypes;
using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Tickets;

/// <summary>
/// Reads lists, a page a statement, by an index that has their order. Rows that a filter leaves out are read anyway, so that
/// a page reads a bounded number of rows and may come out short, or empty, with a cursor that continues. So it may where its tickets are
/// large.
/// </summary>
internal sealed class TicketListStore(NpgsqlDataSource database, CursorSeal cursors)
{
    private const string MaxRead = "10000";

    private const string Filter =
        """
        ($4::text[] is null or t.status::text = any($4)) and t.time_created > $5 and t.time_created < $6
        """;

    private static readonly string _allSql =
        PageSql($"select * from tickets where ticket_id < $1 and ticket_id > $2 order by ticket_id desc limit {MaxRead}");

    // A ticket is in one of three indexes, each of which has its user's tickets in order: one that has ended, is with a worker, or waits.
    // One index over all would take two more entries for each ticket on its way, the three take one.
    private const string OfUser =
        $"""
        (select * from tickets where user_id = $3 and time_finished is not null
            and ticket_id < $1 and ticket_id > $2 order by ticket_id desc limit {MaxRead})
        union all
        (select * from tickets where user_id = $3 and status in ('dispatched', 'running', 'canceling')
            and ticket_id < $1 and ticket_id > $2 order by ticket_id desc limit {MaxRead})
        union all
        (select * from tickets where user_id = $3 and status in ('queued', 'retryable')
            and ticket_id < $1 and ticket_id > $2 order by ticket_id desc limit {MaxRead})
        """;

    private static readonly string _ofUserSql = PageSql($"select * from ({OfUser}) o order by ticket_id desc limit {MaxRead}");

    private const string LastReadOfAllSql =
        $"select ticket_id from tickets where ticket_id < $1 and ticket_id > $2 order by ticket_id desc offset {MaxRead} - 1 limit 1";

    // From the page's first ticket up, as many as a page has and one more: where the page before begins.
    private const string PreviousOfUserSql =
        """
        select ticket_id from (
            (select ticket_id from tickets where user_id = $3 and time_finished is not null
                and ticket_id >= $1 and ticket_id < $2 order by ticket_id limit $4 + 1)
            union all
            (select ticket_id from tickets where user_id = $3 and status in ('dispatched', 'running', 'canceling')
                and ticket_id >= $1 and ticket_id < $2 order by ticket_id limit $4 + 1)
            union all
            (select ticket_id from tickets where user_id = $3 and status in ('queued', 'retryable')
                and ticket_id >= $1 and ticket_id < $2 order by ticket_id limit $4 + 1)) newer
        order by ticket_id offset $4 limit 1
        """;

    private const string LastReadOfUserSql = $"select ticket_id from ({OfUser}) o order by ticket_id desc offset {MaxRead} - 1 limit 1";

    /// <summary>Reads a page.</summary>
    /// <param name="query">Which.</param>
    /// <param name="taken">Counts what it takes in memory.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Its tickets, newest first, and the cursor of the next one; null after the last.</returns>
    public async Task<(IReadOnlyList<TicketRecord> Rows, string? Next)> ReadAsync(
        TicketListQuery query, ByteLimit.TakenBytes taken, CancellationToken cancellationToken)
    {
        List<TicketRecord> rows = [];
        var found = 0;
        await using (var command = database.CreateCommand(query.UserId is null ? _allSql : _ofUserSql))
        {
            AddRange(command, query);
            command.Parameters.Add(
                new() { Value = (object?)query.Statuses ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
            command.Parameters.Add(new() { Value = query.CreatedAfter ?? DateTime.MinValue, NpgsqlDbType = NpgsqlDbType.TimestampTz });
            command.Parameters.Add(new() { Value = query.CreatedBefore ?? DateTime.MaxValue, NpgsqlDbType = NpgsqlDbType.TimestampTz });
            // One more than the page holds says whether there is a next one.
            command.Parameters.Add(Value(query.Limit + 1));
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                var row = TicketRecord.Read(reader);
                taken.Add(row.Bytes);
                rows.Add(row);
                found = reader.GetInt32(TicketRecord.ColumnCount);
            }
        }

        if (rows.Count > query.Limit)
        {
            rows.RemoveAt(query.Limit);
        }

        if (rows.Count < found)
        {
            return (rows, query.CursorAfter(cursors, rows[^1].TicketId));
        }

        var lastRead = query.IsFiltered ? await LastReadAsync(query, cancellationToken) : null;
        return (rows, lastRead is { } id ? query.CursorAfter(cursors, id) : null);
    }

    /// <summary>The cursor of the page before, of a list of one user's tickets; null if that is the first.</summary>
    public async Task<string?> PreviousAsync(TicketListQuery query, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            PreviousOfUserSql, Value(query.Below), Value(query.Top), Value(query.UserId!.Value), Value(query.Limit));
        return await command.ExecuteScalarAsync(cancellationToken) is Guid id ? query.CursorAfter(cursors, id) : null;
    }

    /// <summary>The last row that was read, if there may be more behind it.</summary>
    private async Task<Guid?> LastReadAsync(TicketListQuery query, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(query.UserId is null ? LastReadOfAllSql : LastReadOfUserSql);
        AddRange(command, query);
        return (Guid?)await command.ExecuteScalarAsync(cancellationToken);
    }

    private static string PageSql(string read) =>
        $"""
        select {TicketRecord.Columns}, t.rows
        from ({TicketRecord.PageOf($"select t.* from ({read}) t where {Filter} order by t.ticket_id desc limit $7", "t.ticket_id desc")}) t
        order by t.ticket_id desc
        """;

    private static void AddRange(NpgsqlCommand command, TicketListQuery query)
    {
        command.Parameters.Add(Value(query.Below));
        command.Parameters.Add(Value(query.Above));
        command.Parameters.Add(Value(query.UserId ?? Guid.Empty));
    }
}

using System.Data;
using Npgsql;
using NpgsqlTypes;
using TicketApp.Api.Auth;
using TicketApp.Api.Http;
using TicketApp.Api.Storage;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Tickets;

/// <summary>
/// Reads the log of ends: what ended is in it under the transaction that ended it, and shows once no older transaction can add anything
/// before it.
/// </summary>
internal sealed class CompletionFeedStore(NpgsqlDataSource database, CursorSeal cursors)
{
    // What a page of one user may read: of the log, which has the ends of all users, or of what the user has ended, if that is all.
    private const int MaxRead = 2000;

    private static readonly string _allSql = PageOf(
        """
        select * from tickets where (finished_xid, ticket_id) > ($1, $2) and finished_xid < h.horizon
        order by finished_xid, ticket_id limit $3
        """);

    // The log has no index by user: every end of a ticket would be written there, at a place of its own.
    private static readonly string _ofUserSql = PageOf(
        """
        select * from (
            select * from tickets where (finished_xid, ticket_id) > ($1, $2) and finished_xid < h.horizon
            order by finished_xid, ticket_id limit $5) e
        where e.user_id = $4 order by e.finished_xid, e.ticket_id limit $3
        """);

    private static readonly string _ownSql =
        $"""
        with own as materialized (
            select ticket_id, finished_xid from tickets where user_id = $4 and time_finished is not null order by ticket_id limit $5 + 1)
        {PageOf(
            """
            select e.* from (
                select ticket_id from own
                where h.own <= $5 and (finished_xid, ticket_id) > ($1, $2) and finished_xid < h.horizon
                order by finished_xid, ticket_id limit $3) o
            join tickets e on e.ticket_id = o.ticket_id
            """, "(select count(*) from own)")}
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
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var page = await ReadAsync(connection, query.UserId is null ? _allSql : _ownSql, query, taken, cancellationToken);
        var isWhole = page.Own <= MaxRead;
        // What is removed from the log between two statements would move the place at which reading stopped.
        await using var snapshot = isWhole
            ? null
            : await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        if (!isWhole)
        {
            page = await ReadAsync(connection, _ofUserSql, query, taken, cancellationToken);
        }

        var ended = page.Ended;
        var rows = ended.ConvertAll(end => end.Row);
        if (ended.Count == query.Limit || ended.Count < page.Found)
        {
            return (rows, CompletionFeedQuery.CursorAfter(cursors, ended[^1].Transaction, ended[^1].Row.TicketId));
        }

        var last = isWhole || query.FromNow ? null : await LastReadAsync(connection, query, page.Horizon, cancellationToken);
        // All below the horizon was read, and nothing can come there any more. A cursor ahead of it stays: it may be from before a restore.
        return (rows, last ?? CompletionFeedQuery.CursorAfter(cursors, Math.Max(page.Horizon - 1, query.Transaction), TicketIds.Last));
    }

    // Each row comes with the horizon, so that there is one also where nothing has ended.
    private static string PageOf(string rows, string own = "0::bigint") =>
        $"""
        select {TicketRecord.Columns}, t.finished_xid, h.horizon, h.own, t.rows
        from (select pg_snapshot_xmin(pg_current_snapshot()) as horizon, {own} as own) h
        left join lateral ({TicketRecord.PageOf(rows, "t.finished_xid, t.ticket_id")}) t on true
        order by t.finished_xid, t.ticket_id
        """;

    private static async Task<Page> ReadAsync(
        NpgsqlConnection connection,
        string sql,
        CompletionFeedQuery query,
        ByteLimit.TakenBytes taken,
        CancellationToken cancellationToken)
    {
        Page page = new([], 0, 0, 0);
        await using NpgsqlCommand command = new(sql, connection);
        AddPosition(command, query);
        command.Parameters.Add(Value(query.FromNow ? 0 : query.Limit));
        if (query.UserId is { } userId)
        {
            command.Parameters.Add(Value(userId));
            command.Parameters.Add(Value(MaxRead));
        }

        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            page = page with
            {
                Horizon = reader.GetFieldValue<ulong>(TicketRecord.ColumnCount + 1),
                Own = reader.GetInt64(TicketRecord.ColumnCount + 2),
            };
            if (!reader.IsDBNull(0))
            {
                var row = TicketRecord.Read(reader);
                taken.Add(row.Bytes);
                page.Ended.Add((row, reader.GetFieldValue<ulong>(TicketRecord.ColumnCount)));
                page = page with { Found = reader.GetInt32(TicketRecord.ColumnCount + 3) };
            }
        }

        return page;
    }

    /// <summary>Where reading stopped, if it did not get to the horizon.</summary>
    private async Task<string?> LastReadAsync(
        NpgsqlConnection connection, CompletionFeedQuery query, ulong horizon, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(LastReadSql, connection);
        AddPosition(command, query);
        command.Parameters.Add(new() { Value = horizon, NpgsqlDbType = NpgsqlDbType.Xid8 });
        command.Parameters.Add(Value(MaxRead));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? CompletionFeedQuery.CursorAfter(cursors, reader.GetFieldValue<ulong>(0), reader.GetGuid(1))
            : null;
    }

    private static void AddPosition(NpgsqlCommand command, CompletionFeedQuery query)
    {
        command.Parameters.Add(new() { Value = query.Transaction, NpgsqlDbType = NpgsqlDbType.Xid8 });
        command.Parameters.Add(Value(query.TicketId));
    }

    /// <summary>What a statement read.</summary>
    /// <param name="Ended">Tickets, each with the transaction that ended it.</param>
    /// <param name="Found">How many there were before those that made the page too large.</param>
    /// <param name="Horizon">Everything below it is there for good.</param>
    /// <param name="Own">How many ends the user has, up to one more than may be read; 0 where that was not counted.</param>
    private sealed record Page(List<(TicketRecord Row, ulong Transaction)> Ended, int Found, ulong Horizon, long Own);
}

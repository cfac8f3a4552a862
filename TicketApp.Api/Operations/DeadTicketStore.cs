using Npgsql;
using TicketApp.Api.Auth;
using TicketApp.Api.Storage;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Operations;

/// <summary>Finds, retries and removes tickets that died. The index tickets_dead_ix holds just those, by age.</summary>
internal sealed class DeadTicketStore(NpgsqlDataSource database)
{
    private const string Chosen =
        """
        t.status in ('failed', 'timed_out', 'expired') and ($1::text is null or t.status::text = $1)
            and ($2::text is null or t.model = $2) and ($3::text is null or t.error_type = $3) and ($4::uuid is null or t.ticket_id < $4)
        """;

    private static readonly string _listSql =
        $"""
        select {TicketRecord.Columns}, t.rows
        from ({TicketRecord.PageOf($"select t.* from tickets t where {Chosen} order by t.ticket_id desc limit $5", "t.ticket_id desc")}) t
        order by t.ticket_id desc
        """;

    private const string IdsSql = $"select t.ticket_id from tickets t where {Chosen} order by t.ticket_id desc limit $5";

    // A ticket whose message to "errors" is still to be sent stays until it is.
    private const string PurgeSql =
        $"""
        delete from tickets where ticket_id in (
            select t.ticket_id from tickets t where {Chosen} and not t.report_pending
            order by t.ticket_id desc limit $5 for update skip locked)
        """;

    /// <summary>Reads a page.</summary>
    /// <returns>Its tickets, and whether there may be more.</returns>
    public async Task<(IReadOnlyList<TicketRecord> Rows, bool More)> ListAsync(
        DeadTickets dead, ByteLimit.TakenBytes taken, CancellationToken cancellationToken)
    {
        List<TicketRecord> rows = [];
        var found = 0;
        await using var command = Command(_listSql, dead);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var row = TicketRecord.Read(reader);
            taken.Add(row.Bytes);
            rows.Add(row);
            found = reader.GetInt32(TicketRecord.ColumnCount);
        }

        return (rows, found == dead.Limit || rows.Count < found);
    }

    public async Task<IReadOnlyList<Guid>> IdsAsync(DeadTickets dead, CancellationToken cancellationToken)
    {
        List<Guid> ids = [];
        await using var command = Command(IdsSql, dead);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            ids.Add(reader.GetGuid(0));
        }

        return ids;
    }

    /// <summary>Removes them for good.</summary>
    /// <returns>How many there were.</returns>
    public async Task<int> PurgeAsync(DeadTickets dead, CancellationToken cancellationToken)
    {
        await using var command = Command(PurgeSql, dead);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private NpgsqlCommand Command(string sql, DeadTickets dead) => database.CreateCommand(
        sql, Value(dead.Status), Value(dead.Model), Value(dead.ErrorType), Value(dead.Below), Value(dead.Limit));
}

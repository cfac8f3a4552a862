using Npgsql;
using TicketApp.Api.Storage;

namespace TicketApp.Api.Waiting;

/// <summary>Asks which of many tickets have changed.</summary>
internal sealed class TicketWatchStore(NpgsqlDataSource database)
{
    private const string ChangedSql =
        $"""
        select {TicketRecord.Columns}, w.ticket_id
        from unnest($1, $2, $3) w (ticket_id, status, epoch) left join tickets t on t.ticket_id = w.ticket_id
        where t.ticket_id is null or t.epoch <> w.epoch or t.status is distinct from w.status::ticket_status
        """;

    private const string ProgressSql =
        """
        select w.ticket_id, p.seq
        from unnest($1, $2, $3) w (ticket_id, epoch, seq) cross join lateral (
            select seq from ticket_progress p
            where p.ticket_id = w.ticket_id and p.epoch = w.epoch and p.seq > w.seq
            order by seq desc limit 1) p
        """;

    /// <summary>
    /// Those of <paramref name="known"/> that are different now, with null those that are gone; and the last report of those whose runs
    /// have got further.
    /// </summary>
    public async Task<(
        IReadOnlyList<(Guid TicketId, TicketRecord? Row)> Changed,
        IReadOnlyList<(Guid TicketId, int Sequence)> Progress)> QueryAsync(
        WatchedVersion[] known, CancellationToken cancellationToken)
    {
        List<(Guid, TicketRecord?)> changed = [];
        List<(Guid, int)> progress = [];
        var running = Array.FindAll(known, version => version.Status == TicketStatus.Running);
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new(ChangedSql)
        {
            Parameters =
            {
                Value(known, version => version.TicketId),
                Value(known, version => version.Status is { } status ? TicketStatusNames.Of(status) : null),
                Value(known, version => version.Epoch),
            },
        });
        if (running.Length > 0)
        {
            batch.BatchCommands.Add(new(ProgressSql)
            {
                Parameters =
                {
                    Value(running, version => version.TicketId),
                    Value(running, version => version.Epoch),
                    Value(running, version => version.Progress),
                },
            });
        }

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        // Of many large ones the others still count as unknown, and the next query reports them.
        for (ReadBudget budget = new(); !budget.IsSpent && await reader.ReadAsync(cancellationToken);)
        {
            var row = reader.IsDBNull(0) ? null : budget.Read(reader, TicketRecord.Read).Row;
            changed.Add((reader.GetGuid(TicketRecord.ColumnCount), row));
        }

        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            progress.Add((reader.GetGuid(0), reader.GetInt32(1)));
        }

        return (changed, progress);
    }

    private static NpgsqlParameter<T[]> Value<T>(WatchedVersion[] known, Converter<WatchedVersion, T> column) =>
        new() { TypedValue = Array.ConvertAll(known, column) };
}

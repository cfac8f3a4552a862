using Npgsql;
using TicketApp.Api.Storage;
using static TicketApp.Api.Storage.Statement;

namespace TicketApp.Api.Waiting;

/// <summary>What has happened to tickets.</summary>
/// <param name="Changed">Those that are different now, with null those that are gone.</param>
/// <param name="Progress">The last report of those whose runs have got further.</param>
/// <param name="IsComplete">Whether there are no more.</param>
internal sealed record FollowedChanges(
    IReadOnlyList<(Guid TicketId, TicketRecord? Row)> Changed, IReadOnlyList<(Guid TicketId, int Sequence)> Progress, bool IsComplete);

/// <summary>Asks which of many tickets have changed.</summary>
internal sealed class TicketPollStore(NpgsqlDataSource database)
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

    /// <summary>What has happened to tickets that were last seen as <paramref name="known"/>.</summary>
    public async Task<FollowedChanges> QueryAsync(KnownVersion[] known, CancellationToken cancellationToken)
    {
        List<(Guid, TicketRecord?)> changed = [];
        List<(Guid, int)> progress = [];
        var running = Array.FindAll(known, version => version.Status == TicketStatus.Running);
        await using var batch = database.CreateBatch();
        batch.Add(
            ChangedSql,
            Column(known, version => version.TicketId),
            Column(known, version => version.Status is { } status ? TicketStatusNames.Of(status) : null),
            Column(known, version => version.Epoch));
        if (running.Length > 0)
        {
            batch.Add(
                ProgressSql,
                Column(running, version => version.TicketId), Column(running, version => version.Epoch),
                Column(running, version => version.Progress));
        }

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        // Of many large ones the others still count as unknown, and the next query reports them.
        ReadBudget budget = new();
        while (!budget.IsSpent && await reader.ReadAsync(cancellationToken))
        {
            var row = reader.IsDBNull(0) ? null : budget.Read(reader, TicketRecord.Read).Row;
            changed.Add((reader.GetGuid(TicketRecord.ColumnCount), row));
        }

        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            progress.Add((reader.GetGuid(0), reader.GetInt32(1)));
        }

        return new(changed, progress, IsComplete: !budget.IsSpent);
    }
}

using Npgsql;
using TicketApp.Api.Tickets;

namespace TicketApp.Api.Waiting;

/// <summary>Asks which of many tickets have changed.</summary>
internal sealed class TicketWatchStore(NpgsqlDataSource database)
{
    private const string Sql =
        $"""
        select {TicketRow.Columns}, w.ticket_id
        from unnest($1, $2, $3) w (ticket_id, status, epoch) left join tickets t on t.ticket_id = w.ticket_id
        where t.ticket_id is null or t.epoch <> w.epoch or t.status is distinct from w.status::ticket_status
        """;

    /// <summary>Those of <paramref name="known"/> that are different now; with null those that are gone.</summary>
    public async Task<IReadOnlyList<(Guid TicketId, TicketRow? Row)>> ChangedAsync(WatchedVersion[] known, CancellationToken cancellationToken)
    {
        List<(Guid, TicketRow?)> changed = [];
        await using var command = database.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = Array.ConvertAll(known, version => version.TicketId) });
        command.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = Array.ConvertAll(known, version => version.Status is { } status ? TicketStatusNames.Of(status) : null) });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = Array.ConvertAll(known, version => version.Epoch) });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            changed.Add((reader.GetGuid(TicketRow.ColumnCount), reader.IsDBNull(0) ? null : TicketRow.Read(reader)));
        }

        return changed;
    }
}

using Npgsql;
using TicketApp.Api.Database;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Tickets;

/// <summary>Reads whole tickets by id for the resource API, many a statement.</summary>
internal sealed class TicketRowReader(NpgsqlDataSource database, TicketMetrics metrics, LoopProgress progress, ILogger<TicketRowReader> logger)
    : Batcher<Guid, TicketRow?>("read tickets", database, metrics, progress, logger, largestBatch: 200, capacity: 10_000)
{
    private const string Sql = $"select {TicketRow.Columns} from tickets t where t.ticket_id = any($1)";

    // In place of a ticket that was not read, because those before it in the batch are too large.
    private static readonly TicketRow _left = new() { TicketId = default, UserId = default, Status = default, Model = "", Priority = default, MaxAttempts = 0, Created = default, Expires = default };

    /// <summary>Finds a ticket.</summary>
    /// <returns>Null if <paramref name="id"/> is none's, or no UUID at all.</returns>
    /// <exception cref="OverloadedException">Too many large tickets are asked for at once.</exception>
    public async ValueTask<TicketRow?> FindAsync(string id) => Guid.TryParseExact(id, "D", out var ticketId) ? Available(await SubmitAsync(ticketId)) : null;

    private static TicketRow? Available(TicketRow? row) => ReferenceEquals(row, _left) ? throw new OverloadedException("Too many large tickets are read at once.") : row;

    protected override bool IsRepeatable => true;

    protected override async Task<IReadOnlyList<TicketRow?>> ServeAsync(IReadOnlyList<Guid> items)
    {
        Dictionary<Guid, TicketRow> found = new(items.Count);
        var bytes = 0L;
        await using var command = Database.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. items] });
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var row = bytes < TicketRow.MostAtOnce ? TicketRow.Read(reader) : _left;
            bytes += row.Bytes;
            found[reader.GetGuid(0)] = row;
        }

        return [.. items.Select(found.GetValueOrDefault)];
    }
}

using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Tickets;

/// <summary>Reads whole tickets by id for the resource API, many a statement.</summary>
internal sealed class TicketRecordReader(
    NpgsqlDataSource database, TicketMetrics metrics, LoopProgress progress, ILogger<TicketRecordReader> logger)
    : Batcher<Guid, TicketRecord?>("read tickets", database, metrics, progress, logger, maxBatch: 200, capacity: 10_000)
{
    private const string Sql = $"select {TicketRecord.Columns} from tickets t where t.ticket_id = any($1)";

    /// <summary>Finds a ticket.</summary>
    /// <returns>Null if <paramref name="id"/> is no ticket's.</returns>
    /// <exception cref="OverloadedException">Too many large tickets are asked for at once.</exception>
    public async ValueTask<TicketRecord?> FindAsync(string id) =>
        Guid.TryParseExact(id, "D", out var ticketId) ? TicketRecord.Available(await SubmitAsync(ticketId)) : null;

    protected override bool IsRepeatable => true;

    protected override async Task<IReadOnlyList<TicketRecord?>> ServeAsync(IReadOnlyList<Guid> items)
    {
        Dictionary<Guid, TicketRecord> found = new(items.Count);
        var bytes = 0L;
        await using var command = Database.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. items] });
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            found[reader.GetGuid(0)] = TicketRecord.ReadWithin(reader, ref bytes);
        }

        return [.. items.Select(found.GetValueOrDefault)];
    }
}

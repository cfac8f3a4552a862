using Npgsql;
using TicketApp.Api.Storage;
using TicketApp.Api.Telemetry;
using TicketApp.ServiceDefaults;

namespace TicketApp.Api.Tickets;

/// <summary>Reads tickets by id, many a statement, and those that succeeded from memory: they never change.</summary>
internal sealed class TicketReader(
    NpgsqlDataSource database, TicketMetrics metrics, LoopProgress progress, ILogger<TicketReader> logger, SucceededTickets succeeded)
    : Batcher<Guid, TicketSummary?>("read tickets", database, metrics, progress, logger, maxBatch: 500, capacity: 20_000)
{
    private const string Sql =
        """
        select ticket_id, user_id, status::text, response, extract(epoch from now() - time_created)::float8
        from tickets where ticket_id = any($1)
        """;

    // What a question about a ticket that has just come may wait for its answer, and how long a ticket has just come. One that another
    // replica ends is reported that much later at most.
    private static readonly TimeSpan _moment = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan _young = TimeSpan.FromMilliseconds(100);

    // In place of a ticket that was not read, because those before it in the batch are too large.
    private static readonly TicketSummary _left = new(Guid.Empty, Guid.Empty, TicketStatus.Queued, null, TimeSpan.Zero);

    protected override bool IsRepeatable => true;

    /// <summary>Finds a ticket. A question that comes just before the answer gets it: one about a young ticket waits up to 10 ms.</summary>
    /// <returns>Null without one of that id.</returns>
    /// <exception cref="OverloadedException">Too many large tickets are asked for at once.</exception>
    public async ValueTask<TicketSummary?> FindAsync(Guid ticketId) =>
        succeeded.Find(ticketId)
            ?? (IsYoung(ticketId, DateTimeOffset.UtcNow) ? await succeeded.FindSoonAsync(ticketId, _moment) : null)
            ?? Available(await SubmitAsync(ticketId));

    /// <summary>Whether the ticket was created in the last tenth of a second, by what its id says.</summary>
    public static bool IsYoung(Guid ticketId, DateTimeOffset now) =>
        // Ids tell whole milliseconds, and clocks of replicas differ a little, so that one may be of the next tenth.
        ticketId > TicketIds.FirstAt((now - _young).AddMilliseconds(1)) && ticketId < TicketIds.FirstAt(now + _young);

    private static TicketSummary? Available(TicketSummary? ticket) =>
        ReferenceEquals(ticket, _left) ? throw new OverloadedException("Too many large tickets are read at once.") : ticket;

    protected override async Task<IReadOnlyList<TicketSummary?>> ServeAsync(IReadOnlyList<Guid> items)
    {
        Dictionary<Guid, TicketSummary> found = new(items.Count);
        var bytes = 0L;
        await using var command = Database.CreateCommand(Sql);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. items] });
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            if (bytes > TicketRecord.MaxAtOnce)
            {
                found[reader.GetGuid(0)] = _left;
                continue;
            }

            TicketSummary ticket = new(
                reader.GetGuid(0),
                reader.GetGuid(1),
                TicketStatusNames.Parse(reader.GetString(2)),
                reader.IsDBNull(3) ? null : reader.GetString(3),
                TimeSpan.FromSeconds(reader.GetDouble(4)));
            bytes += ticket.Bytes;
            found[ticket.TicketId] = ticket;
            succeeded.Add(ticket);
        }

        return [.. items.Select(found.GetValueOrDefault)];
    }
}
